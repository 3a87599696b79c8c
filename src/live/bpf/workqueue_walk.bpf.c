/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Walks all workqueues and their pools, from a rescuer's workqueue round the kernel's list.  One run
 * of the program is one RCU read section, so that nothing it reaches is freed meanwhile.
 *
 * A walk is a sequence of steps whose state is kept in memory.  Each function is verified by itself,
 * which keeps loops of this length within the limits of kernels without bpf_loop().
 */
#include <linux/types.h>
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel_types.h"
#include "walk_records.h"
#include "walk_lists.h"

/* Steps of a walk: one for each workqueue, and one for each of its pool_workqueues. */
#define INNER_STEPS 512
#define OUTER_STEPS 512

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before it is loaded: bytes of a cpumask on this machine. */
const volatile __u32 mask_bytes = 8;

struct walk_state state;
struct walk_meanings meanings;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, WALK_WORKQUEUES);
  __type(key, __u32);
  __type(value, struct walk_workqueue);
} workqueues SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, WALK_POOLS);
  __type(key, __u32);
  __type(value, struct walk_pool);
} pools SEC(".maps");

/* Notes the pool of the pool_workqueue at state.pwq, once a walk. */
__noinline int note_pool(void) {
  struct pool_workqueue *pwq = pwq_of(state.pwq);
  struct worker_pool *pool = BPF_CORE_READ(pwq, pool);
  struct workqueue_attrs *attrs = BPF_CORE_READ(pool, attrs);
  __u32 id = BPF_CORE_READ(pool, id);
  struct walk_pool *out = bpf_map_lookup_elem(&pools, &id);

  if (!out) {
    state.cut = 1;
    return 0;
  }
  if (out->walk == state.walk) return 0;
  out->walk = state.walk;
  out->has = 0;
  out->flags = BPF_CORE_READ(pool, flags);
  out->cpu = BPF_CORE_READ(pool, cpu);
  out->node = BPF_CORE_READ(pool, node);
  out->workers = BPF_CORE_READ(pool, nr_workers);
  out->idle = BPF_CORE_READ(pool, nr_idle);
  if (attrs) {
    out->has |= WALK_HAS_ATTRS;
    out->nice = BPF_CORE_READ(attrs, nice);
    if (read_mask(attrs, out->mask, mask_bytes)) out->has |= WALK_HAS_MASK;
  }
  return 0;
}

/* Adds the pool_workqueue at state.pwq to its workqueue. */
__noinline int note_pwq(void) {
  struct pool_workqueue *pwq = pwq_of(state.pwq);
  __u32 index = state.workqueues - 1;
  struct walk_workqueue *out = bpf_map_lookup_elem(&workqueues, &index);
  __u64 stats[WALK_STATS] = {};
  __u32 id = BPF_CORE_READ(pwq, pool, id);
  __u32 i;

  if (!out) return 0;
  out->pwqs++;
  if (id < WALK_POOLS) out->pools[(id / 64) & (WALK_POOLS / 64 - 1)] |= 1ULL << (id % 64);
  if (!bpf_core_field_exists(pwq->stats)) return 0;
  i = bpf_core_field_size(pwq->stats);
  if (i > sizeof(stats)) i = sizeof(stats);
  bpf_probe_read_kernel(stats, i, &pwq->stats);
  out->has |= WALK_HAS_STATS;
#pragma unroll
  for (i = 0; i < WALK_STATS; i++) out->stats[i] += stats[i];
  return 0;
}

/* Begins the workqueue at state.at; 0 when it is none. */
__noinline int begin_workqueue(void) {
  struct workqueue_struct *wq = workqueue_of(state.at);
  __u32 index = state.workqueues;
  struct walk_workqueue *out;
  struct workqueue_attrs *attrs;
  __u32 i;

  if (!is_workqueue(wq)) return 0;
  out = bpf_map_lookup_elem(&workqueues, &index);
  if (!out) {
    state.cut = 1;
    return 0;
  }
  state.workqueues = index + 1;
  out->address = (__u64)wq;
  out->has = 0;
  out->pwqs = 0;
  for (i = 0; i < WALK_STATS; i++) out->stats[i] = 0;
  for (i = 0; i < WALK_POOLS / 64; i++) out->pools[i] = 0;
  bpf_core_read_str(out->name, sizeof(out->name), &wq->name);
  out->flags = BPF_CORE_READ(wq, flags);
  /* max_active itself is 0 while the machine freezes. */
  out->max_active = BPF_CORE_READ(wq, saved_max_active);
  if (bpf_core_field_exists(wq->saved_min_active)) {
    out->min_active = BPF_CORE_READ(wq, saved_min_active);
    out->has |= WALK_HAS_MIN_ACTIVE;
  }
  out->rescuer = BPF_CORE_READ(wq, rescuer) ? BPF_CORE_READ(wq, rescuer, task, pid) : 0;
  attrs = BPF_CORE_READ(wq, unbound_attrs);
  if (!attrs) return 1;
  out->has |= WALK_HAS_ATTRS;
  out->nice = BPF_CORE_READ(attrs, nice);
  if (bpf_core_field_exists(attrs->affn_scope)) {
    out->affinity_scope = BPF_CORE_READ(attrs, affn_scope);
    out->affinity_strict = BPF_CORE_READ(attrs, affn_strict);
    out->has |= WALK_HAS_AFFINITY;
  }
  return 1;
}

static void next_workqueue(void) {
  state.pwq = 0;
  state.at = next_of(state.at);
  if (!state.at || state.at == state.first) state.done = 1;
}

/* One step of a walk; 1: it is over. */
__noinline int walk_step(void) {
  __u64 head;

  if (state.done) return 1;
  head = (__u64)&workqueue_of(state.at)->pwqs;
  if (!state.pwq) {
    if (begin_workqueue()) {
      state.pwq = next_of(head);
    } else {
      next_workqueue();
    }
    return 0;
  }
  if (state.pwq == head) {
    next_workqueue();
    return 0;
  }
  note_pwq();
  note_pool();
  state.pwq = next_of(state.pwq);
  if (!state.pwq) next_workqueue();
  return 0;
}

__noinline int walk_steps(void) {
  int i;

  for (i = 0; i < INNER_STEPS; i++) {
    if (walk_step()) return 1;
  }
  return 0;
}

#define FLAG_VALUE(name)                                                              \
  meanings.flags[i++] = !bpf_core_type_exists(enum wq_flags)             ? name       \
                        : bpf_core_enum_value_exists(enum wq_flags, name)             \
                            ? bpf_core_enum_value(enum wq_flags, name)                \
                            : 0;
#define ENUM_VALUE(array, type, name)                                                 \
  meanings.array[i++] =                                                               \
      bpf_core_enum_value_exists(type, name) ? (int)bpf_core_enum_value(type, name) : -1;
#define SCOPE_VALUE(name) ENUM_VALUE(scopes, enum wq_affn_scope, name)
#define COUNTER_VALUE(name) ENUM_VALUE(counters, enum pool_workqueue_stats, name)

__noinline int note_meanings(void) {
  int i = 0;

  WALK_FLAGS(FLAG_VALUE)
  i = 0;
  WALK_SCOPES(SCOPE_VALUE)
  i = 0;
  WALK_COUNTERS(COUNTER_VALUE)
  return 0;
}

SEC("iter/task")
int walk_workqueues(struct bpf_iter__task *ctx) {
  struct task_struct *task = ctx->task;
  struct workqueue_struct *wq;
  struct worker *worker;
  int i;

  if (!task || state.first || !(BPF_CORE_READ(task, flags) & PF_WQ_WORKER)) return 0;
  worker = worker_of(task);
  wq = BPF_CORE_READ(worker, rescue_wq);
  if (!wq || !is_workqueue(wq)) return 0;
  note_meanings();
  state.begin_ns = bpf_ktime_get_ns();
  state.first = state.at = (__u64)&wq->list;
  for (i = 0; i < OUTER_STEPS; i++) {
    if (walk_steps()) break;
  }
  state.end_ns = bpf_ktime_get_ns();
  return 0;
}
