/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks at what each worker pool executes, and at what waits: goes round all workqueues as
 * workqueue_walk.bpf.c does, and along the lists of works and workers of each.
 *
 * No lock is taken, and works are freed whenever their owners like.  So every pointer may be wrong
 * by the time that it is followed: all are read in the way that cannot fault, each entry must say
 * itself that it belongs to the list, and each list has an end by count.
 */
#include <linux/types.h>
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel_types.h"
#include "state_records.h"
#include "walk_lists.h"

/* Steps of a look: one for each workqueue, pool_workqueue, pool, worker and work. */
#define INNER_STEPS 512
#define OUTER_STEPS 512

/* Of work_struct.data: the bits below hold flags, the others the address of a pool_workqueue. */
#define WORK_STRUCT_PWQ 4
#define FEWEST_FLAG_BITS 8
#define MOST_FLAG_BITS 9

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before it is loaded: bytes of a cpumask on this machine. */
const volatile __u32 mask_bytes = 8;

struct state_walk state;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, WALK_POOLS);
  __type(key, __u32);
  __type(value, struct state_pool);
} pools SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, STATE_WORKERS);
  __type(key, __u32);
  __type(value, struct state_worker);
} workers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, STATE_GROUPS);
  __type(key, struct state_key);
  __type(value, struct state_works);
} groups SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, STATE_CPUS);
  __type(key, __u32);
  __type(value, struct state_task);
} cpus SEC(".maps");

static struct work_struct *work_of(__u64 node) {
  return (void *)(node - bpf_core_field_offset(struct work_struct, entry));
}

static struct worker *worker_at(__u64 node) {
  return (void *)(node - bpf_core_field_offset(struct worker, node));
}

static struct state_pool *pool_record(void) {
  __u32 id = state.owner_id;

  return bpf_map_lookup_elem(&pools, &id);
}

static void note(__u32 what) {
  struct state_pool *pool = pool_record();

  if (pool) pool->notes |= what;
}

static __u32 cpu_of(struct task_struct *task) {
  struct task_struct___before_5_16 *before = (void *)task;

  if (bpf_core_field_exists(task->thread_info.cpu)) return BPF_CORE_READ(task, thread_info.cpu);
  return bpf_core_field_exists(before->cpu) ? BPF_CORE_READ(before, cpu) : STATE_CPUS;
}

static __u32 state_of(struct task_struct *task) {
  struct task_struct___before_5_14 *before = (void *)task;

  if (bpf_core_field_exists(task->__state)) return BPF_CORE_READ(task, __state);
  return BPF_CORE_READ(before, state);
}

static int on_cpu(struct task_struct *task) {
  return bpf_core_field_exists(task->on_cpu) && BPF_CORE_READ(task, on_cpu);
}

/* Begins a list of works; what is in it belongs to the pool state.owner. */
static void begin_works(__u64 head, int list, int worker) {
  state.work_head = head;
  state.work = next_of(head);
  state.list = list;
  state.list_worker = worker;
  state.list_works = 0;
  state.tries = 0;
}

/* The pool_workqueue of a work that waits on the pool state.owner; 0: it is none of these. */
static struct pool_workqueue *pwq_of_work(struct work_struct *work) {
  __u64 data = BPF_CORE_READ(work, data.counter);
  struct pool_workqueue *pwq;
  int bits;

  if (!(data & WORK_STRUCT_PWQ)) return 0;
#pragma unroll
  for (bits = FEWEST_FLAG_BITS; bits <= MOST_FLAG_BITS; bits++) {
    pwq = (void *)(data >> bits << bits);
    if ((__u64)BPF_CORE_READ(pwq, pool) == state.owner) return pwq;
  }
  return 0;
}

static void count_work(struct work_struct *work, struct pool_workqueue *pwq) {
  struct workqueue_struct *wq = BPF_CORE_READ(pwq, wq);
  struct state_key key = {};
  struct state_works first = {}, *works;

  key.workqueue = (__u64)wq;
  key.function = (__u64)BPF_CORE_READ(work, func);
  key.pool = state.owner_id;
  key.list = state.list;
  key.worker = state.list_worker;
  works = bpf_map_lookup_elem(&groups, &key);
  if (works) {
    works->count++;
    return;
  }
  first.count = 1;
  first.work = (__u64)work;
  first.max_active = BPF_CORE_READ(wq, saved_max_active);
  first.order = state.groups++;
  bpf_core_read_str(first.name, sizeof(first.name), &wq->name);
  if (bpf_map_update_elem(&groups, &key, &first, BPF_NOEXIST)) state.cut = 1;
}

/* Leaves the list of works before its end: there are more. */
static void end_partial_list(void) {
  note(1 << state.list);
  state.work = 0;
}

/* Counts the work at state.work, and goes to the next one. */
__noinline int work_step(void) {
  struct work_struct *work = work_of(state.work);
  struct pool_workqueue *pwq;
  struct state_pool *pool;
  __u64 next;

  if (state.work == state.work_head) {
    state.work = 0;
    return 0;
  }
  if (state.list_works >= STATE_LIST_WORKS || state.works >= STATE_ALL_WORKS) {
    end_partial_list();
    return 0;
  }
  pwq = pwq_of_work(work);
  next = next_of(state.work);
  /* A work that a worker took meanwhile leads to itself, or to another list. */
  if (!pwq || !next || next == state.work) {
    if (state.list_works || ++state.tries >= STATE_TRIES) {
      end_partial_list();
    } else {
      state.work = next_of(state.work_head);
    }
    return 0;
  }
  count_work(work, pwq);
  state.list_works++;
  state.works++;
  if (state.list == STATE_PENDING && (pool = pool_record())) pool->pending++;
  state.work = next;
  return 0;
}

/* Notes the worker at state.worker, if it executes something or is about to. */
__noinline int note_worker(void) {
  struct worker *worker = worker_at(state.worker);
  struct task_struct *task = BPF_CORE_READ(worker, task);
  __u64 work = (__u64)BPF_CORE_READ(worker, current_work);
  __u32 task_state = task ? state_of(task) : 0;
  struct workqueue_struct *wq;
  struct state_worker *out;
  __u32 index = state.workers;

  /* A worker of softirqs has no task. */
  if (!work && (!task || task_state)) return 0;
  out = bpf_map_lookup_elem(&workers, &index);
  if (!out) {
    state.cut = 1;
    return 0;
  }
  state.workers = index + 1;
  out->pool = state.owner_id;
  out->task_state = task_state;
  if (BPF_CORE_READ(worker, rescue_wq)) out->has |= STATE_RESCUER;
  if (task) {
    out->pid = BPF_CORE_READ(task, pid);
    out->cpu = cpu_of(task);
    if (on_cpu(task)) out->has |= STATE_ON_CPU;
    bpf_core_read_str(out->comm, sizeof(out->comm), &task->comm);
  }
  if (!work) return 0;
  bpf_core_read_str(out->description, sizeof(out->description), &worker->desc);
  out->work = work;
  out->function = (__u64)BPF_CORE_READ(worker, current_func);
  wq = BPF_CORE_READ(worker, current_pwq, wq);
  out->workqueue = (__u64)wq;
  if (wq) bpf_core_read_str(out->name, sizeof(out->name), &wq->name);
  if (task && bpf_core_field_exists(worker->current_at)) {
    out->cpu_time_ns = BPF_CORE_READ(task, se.sum_exec_runtime) - BPF_CORE_READ(worker, current_at);
    out->has |= STATE_HAS_CPU_TIME;
  }
  if (bpf_core_field_exists(worker->current_start)) {
    out->running_jiffies = state.jiffies - BPF_CORE_READ(worker, current_start);
    out->has |= STATE_HAS_START;
  }
  return 0;
}

/* Looks at the worker at state.worker and begins what it has taken, and goes to the next one. */
__noinline int worker_step(void) {
  struct worker *worker = worker_at(state.worker);
  struct task_struct *task;
  __u64 next;

  if (state.worker == state.worker_head) {
    state.worker = 0;
    return 0;
  }
  next = next_of(state.worker);
  if ((__u64)BPF_CORE_READ(worker, pool) != state.owner || !next ||
      state.list_workers >= STATE_LIST_WORKERS) {
    note(STATE_MORE_WORKERS);
    state.worker = 0;
    return 0;
  }
  state.list_workers++;
  note_worker();
  task = BPF_CORE_READ(worker, task);
  begin_works((__u64)&worker->scheduled, STATE_SCHEDULED, task ? BPF_CORE_READ(task, pid) : 0);
  state.worker = next;
  return 0;
}

/* Since when it has taken no work that waits, if the kernel says so by a name that is known. */
static void note_progress(struct worker_pool *pool, struct state_pool *out) {
  struct worker_pool___as_6_12 *before = (void *)pool;
  __u64 at;

  if (bpf_core_field_exists(pool->last_progress_ts)) {
    at = BPF_CORE_READ(pool, last_progress_ts);
  } else if (bpf_core_field_exists(before->watchdog_ts)) {
    at = BPF_CORE_READ(before, watchdog_ts);
  } else {
    return;
  }
  out->stuck_jiffies = state.jiffies - at;
  out->notes |= STATE_HAS_PROGRESS;
}

/* Notes the pool at state.pool and begins its lists. */
__noinline int begin_pool(void) {
  struct worker_pool *pool = (void *)state.pool;
  struct worker_pool___before_5_18 *before = (void *)pool;
  struct workqueue_attrs *attrs = BPF_CORE_READ(pool, attrs);
  struct worker *manager = BPF_CORE_READ(pool, manager);
  struct state_pool *out = pool_record();

  state.pool = 0;
  if (!out) return 0;
  out->cpu = BPF_CORE_READ(pool, cpu);
  out->node = BPF_CORE_READ(pool, node);
  out->workers = BPF_CORE_READ(pool, nr_workers);
  out->idle = BPF_CORE_READ(pool, nr_idle);
  out->running = bpf_core_field_exists(pool->nr_running)
                     ? BPF_CORE_READ(pool, nr_running)
                     : BPF_CORE_READ(before, nr_running.counter);
  if (manager) out->manager = BPF_CORE_READ(manager, task, pid);
  note_progress(pool, out);
  if (attrs) {
    out->notes |= STATE_HAS_ATTRS;
    out->nice = BPF_CORE_READ(attrs, nice);
    if (read_mask(attrs, out->mask, mask_bytes)) out->notes |= STATE_HAS_MASK;
  }
  begin_works((__u64)&pool->worklist, STATE_PENDING, 0);
  state.worker_head = (__u64)&pool->workers;
  state.worker = next_of(state.worker_head);
  state.list_workers = 0;
  return 0;
}

static __u64 inactive_works_of(struct pool_workqueue *pwq) {
  struct pool_workqueue___before_5_15 *before = (void *)pwq;

  if (bpf_core_field_exists(pwq->inactive_works)) return (__u64)&pwq->inactive_works;
  return (__u64)&before->delayed_works;
}

/* Begins what waits in the pool_workqueue at state.pwq; and its pool, once a look. */
__noinline int begin_pwq(void) {
  struct pool_workqueue *pwq = pwq_of(state.pwq);
  struct worker_pool *pool = BPF_CORE_READ(pwq, pool);
  struct state_pool *out;

  state.owner = (__u64)pool;
  state.owner_id = BPF_CORE_READ(pool, id);
  out = pool_record();
  if (!out) {
    state.cut = 1;
    return 0;
  }
  out->active += BPF_CORE_READ(pwq, nr_active);
  if (bpf_core_enum_value_exists(enum wq_flags, WQ_BH) &&
      BPF_CORE_READ(pwq, wq, flags) & bpf_core_enum_value(enum wq_flags, WQ_BH)) {
    out->notes |= STATE_BH;
  }
  if (!(out->notes & STATE_SEEN)) state.pool = (__u64)pool;
  out->notes |= STATE_SEEN;
  begin_works(inactive_works_of(pwq), STATE_INACTIVE, 0);
  return 0;
}

static void next_workqueue(void) {
  state.pwq = 0;
  state.at = next_of(state.at);
  if (!state.at || state.at == state.first) state.done = 1;
}

/* The next step among workqueues and their pool_workqueues. */
static void workqueue_step(void) {
  struct workqueue_struct *wq = workqueue_of(state.at);
  __u64 head = (__u64)&wq->pwqs;

  if (!state.pwq) {
    /* The head of the list of workqueues lies in none. */
    if (is_workqueue(wq)) {
      state.pwq = next_of(head);
    } else {
      next_workqueue();
    }
  } else if (state.pwq == head) {
    next_workqueue();
  } else {
    begin_pwq();
    state.pwq = next_of(state.pwq);
    if (!state.pwq) next_workqueue();
  }
}

/* One step of a look; 1: it is over. */
__noinline int state_step(void) {
  if (state.work) {
    work_step();
  } else if (state.worker) {
    worker_step();
  } else if (state.pool) {
    begin_pool();
  } else if (state.done) {
    return 1;
  } else {
    workqueue_step();
  }
  return 0;
}

__noinline int state_steps(void) {
  int i;

  for (i = 0; i < INNER_STEPS; i++) {
    if (state_step()) return 1;
  }
  return 0;
}

static void note_running(struct task_struct *task) {
  __u32 cpu = cpu_of(task);
  struct state_task *out = bpf_map_lookup_elem(&cpus, &cpu);

  if (!out) return;
  out->seen = 1;
  out->pid = BPF_CORE_READ(task, pid);
  out->prio = BPF_CORE_READ(task, prio);
  out->reader = out->pid == (int)bpf_get_current_pid_tgid();
  bpf_core_read_str(out->comm, sizeof(out->comm), &task->comm);
}

SEC("iter/task")
int look_at_pools(struct bpf_iter__task *ctx) {
  struct task_struct *task = ctx->task;
  struct workqueue_struct *wq;
  int i;

  if (!task) return 0;
  if (on_cpu(task)) note_running(task);
  if (state.first || !(BPF_CORE_READ(task, flags) & PF_WQ_WORKER)) return 0;
  wq = BPF_CORE_READ(worker_of(task), rescue_wq);
  if (!wq || !is_workqueue(wq)) return 0;
  state.begin_ns = bpf_ktime_get_ns();
  state.jiffies = bpf_jiffies64();
  state.first = state.at = (__u64)&wq->list;
  for (i = 0; i < OUTER_STEPS; i++) {
    if (state_steps()) break;
  }
  state.end_ns = bpf_ktime_get_ns();
  return 0;
}
