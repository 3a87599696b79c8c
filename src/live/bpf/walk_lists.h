/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Steps from one of the kernel's structures to the next, for programs that walk workqueues. */
#ifndef WQPROF_LIVE_BPF_WALK_LISTS_H_
#define WQPROF_LIVE_BPF_WALK_LISTS_H_

#define PF_WQ_WORKER 0x20

static struct workqueue_struct *workqueue_of(__u64 node) {
  return (void *)(node - bpf_core_field_offset(struct workqueue_struct, list));
}

static struct pool_workqueue *pwq_of(__u64 node) {
  return (void *)(node - bpf_core_field_offset(struct pool_workqueue, pwqs_node));
}

/* 0 when there is nothing to be read. */
static __u64 next_of(__u64 node) {
  struct list_head *at = (void *)node;

  return (__u64)BPF_CORE_READ(at, next);
}

/* Whether `wq` is a workqueue, and not what lies around the head of the list. */
static int is_workqueue(struct workqueue_struct *wq) {
  struct pool_workqueue *pwq = pwq_of((__u64)BPF_CORE_READ(wq, pwqs.next));

  return BPF_CORE_READ(pwq, wq) == wq;
}

static struct worker *worker_of(struct task_struct *task) {
  struct kthread *kthread;

  /* For tasks with PF_WQ_WORKER the data of their kthread are the worker. */
  if (bpf_core_field_exists(task->worker_private)) {
    kthread = BPF_CORE_READ(task, worker_private);
  } else {
    kthread = (void *)BPF_CORE_READ(task, set_child_tid);
  }
  return BPF_CORE_READ(kthread, data);
}

/* Reads so many bytes of the CPUs of `attrs`; 0: it could not. */
static int read_mask(struct workqueue_attrs *attrs, unsigned long long *mask, __u32 bytes) {
  const void *from = 0;

  if (bytes > WALK_MASK_WORDS * sizeof(*mask)) return 0;
  if (bpf_core_field_exists(((struct workqueue_attrs___pointer *)0)->cpumask)) {
    struct workqueue_attrs___pointer *at = (void *)attrs;

    from = BPF_CORE_READ(at, cpumask);
  } else if (bpf_core_field_exists(((struct workqueue_attrs___array *)0)->cpumask)) {
    struct workqueue_attrs___array *at = (void *)attrs;

    from = &at->cpumask;
  }
  return from && !bpf_probe_read_kernel(mask, bytes, from);
}

#endif
