/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who waits for works to end, and how long: programs at the beginning and the end of the kernel's
 * functions that flush, cancel and drain, which have no trace points.
 *
 * The functions' names differ from kernel to kernel, and the compiler may have inlined one where
 * some call it and left it in place for others: so outer and inner ones have a pair of programs
 * each, and what a pair is attached to is decided as it is loaded.  A call within another one of
 * the same work or workqueue (flush_work() calls __flush_work(), a drain flushes again and again)
 * is a part of that, and is not counted.
 */
#include <linux/types.h>
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flush_records.h"
#include "kernel_types.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before it is loaded. */
const volatile __u64 floor_ns = 100000; /* shorter waits are counted only */
/* The one below both flush_work() and cancel_work_sync() says for which. */
const volatile __u32 has_from_cancel = 0;

/* Set from outside once all are attached, which itself flushes. */
__u32 watching;

/* A flush that a task is in. */
struct open_flush {
  __u64 begin_ns;
  __u64 object, function;
  __u32 kind;
  __u32 pair; /* which of the pairs below began it */
};

enum { PAIR_WORK, PAIR_FLUSH, PAIR_CANCEL, PAIR_CANCEL_DELAYED, PAIR_WORKQUEUE, PAIR_DRAIN };

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLUSH_OPEN);
  __type(key, __u32);
  __type(value, struct open_flush);
} open_flushes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, FLUSH_KINDS);
  __type(key, __u32);
  __type(value, struct flush_count);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, FLUSH_RING_BYTES);
} waits SEC(".maps");

static __u32 this_task(void) { return (__u32)bpf_get_current_pid_tgid(); }

static int enter(__u32 pair, __u32 kind, __u64 object, __u64 function) {
  __u32 task = this_task();
  struct open_flush *outer;
  struct flush_count *count;
  struct open_flush inner = {.object = object, .function = function, .kind = kind, .pair = pair};

  if (!watching) return 0;
  outer = bpf_map_lookup_elem(&open_flushes, &task);
  /* Of the same pair: the end of the former one was not seen. */
  if (outer && outer->object == object && outer->pair != pair) return 0;
  count = bpf_map_lookup_elem(&counts, &kind);
  if (!count) return 0;
  __sync_fetch_and_add(&count->calls, 1);
  inner.begin_ns = bpf_ktime_get_ns();
  if (bpf_map_update_elem(&open_flushes, &task, &inner, BPF_ANY)) {
    __sync_fetch_and_add(&count->unfollowed, 1);
  }
  return 0;
}

static void hand_over(const struct open_flush *flush, __u32 task, __u64 end_ns) {
  __u32 kind = flush->kind;
  struct flush_count *count = bpf_map_lookup_elem(&counts, &kind);
  struct flush_record *record;

  if (!count) return;
  __sync_fetch_and_add(&count->waited, 1);
  record = bpf_ringbuf_reserve(&waits, sizeof(*record), 0);
  if (!record) {
    __sync_fetch_and_add(&count->lost, 1);
    return;
  }
  record->begin_ns = flush->begin_ns;
  record->end_ns = end_ns;
  record->object = flush->object;
  record->function = flush->function;
  record->kind = kind;
  record->task = (int)task;
  bpf_get_current_comm(record->comm, sizeof(record->comm));
  record->workqueue[0] = 0;
  if (kind == FLUSH_WORKQUEUE || kind == FLUSH_DRAIN) {
    struct workqueue_struct *wq = (void *)flush->object;

    bpf_core_read_str(record->workqueue, sizeof(record->workqueue), &wq->name);
  }
  /* Whoever reads comes round often enough, and shall not be woken out of a flush. */
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static int leave(__u32 pair, __u64 object) {
  __u32 task = this_task();
  struct open_flush *open = bpf_map_lookup_elem(&open_flushes, &task);
  struct open_flush flush;
  __u64 end_ns;

  if (!open || open->pair != pair || open->object != object) return 0;
  flush = *open;
  bpf_map_delete_elem(&open_flushes, &task);
  end_ns = bpf_ktime_get_ns();
  if (end_ns - flush.begin_ns >= floor_ns) hand_over(&flush, task, end_ns);
  return 0;
}

static int enter_work(__u32 pair, __u32 kind, __u64 object) {
  struct work_struct *work = (void *)object;

  /* The work may be gone, or be another one, when the wait is over. */
  return enter(pair, kind, object, (__u64)BPF_CORE_READ(work, func));
}

/* Below flush_work() and cancel_work_sync(). */
SEC("fentry")
int enter_flush_work(__u64 *args) {
  __u32 kind = FLUSH_WORK;

  if (has_from_cancel && (args[1] & 1)) kind = FLUSH_CANCEL;
  return enter_work(PAIR_WORK, kind, args[0]);
}

SEC("fexit")
int leave_flush_work(__u64 *args) { return leave(PAIR_WORK, args[0]); }

SEC("fentry")
int enter_flush(__u64 *args) { return enter_work(PAIR_FLUSH, FLUSH_WORK, args[0]); }

SEC("fexit")
int leave_flush(__u64 *args) { return leave(PAIR_FLUSH, args[0]); }

SEC("fentry")
int enter_cancel(__u64 *args) { return enter_work(PAIR_CANCEL, FLUSH_CANCEL, args[0]); }

SEC("fexit")
int leave_cancel(__u64 *args) { return leave(PAIR_CANCEL, args[0]); }

/* A delayed work begins with its work. */
SEC("fentry")
int enter_cancel_delayed(__u64 *args) {
  return enter_work(PAIR_CANCEL_DELAYED, FLUSH_CANCEL, args[0]);
}

SEC("fexit")
int leave_cancel_delayed(__u64 *args) { return leave(PAIR_CANCEL_DELAYED, args[0]); }

SEC("fentry")
int enter_flush_workqueue(__u64 *args) {
  return enter(PAIR_WORKQUEUE, FLUSH_WORKQUEUE, args[0], 0);
}

SEC("fexit")
int leave_flush_workqueue(__u64 *args) { return leave(PAIR_WORKQUEUE, args[0]); }

SEC("fentry")
int enter_drain(__u64 *args) { return enter(PAIR_DRAIN, FLUSH_DRAIN, args[0], 0); }

SEC("fexit")
int leave_drain(__u64 *args) { return leave(PAIR_DRAIN, args[0]); }
