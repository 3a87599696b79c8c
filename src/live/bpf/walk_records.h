/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the walk hands over: the BPF program fills it, the program that loaded it reads it. */
#ifndef WQPROF_LIVE_BPF_WALK_RECORDS_H_
#define WQPROF_LIVE_BPF_WALK_RECORDS_H_

enum {
  WALK_WORKQUEUES = 4096,
  WALK_POOLS = 4096, /* their ids are less */
  WALK_NAME = 32,
  WALK_STATS = 16,
  WALK_MASK_WORDS = 32, /* 2048 CPUs */
};

/*
 * Names of the kernel whose numbers are its own: X(name) in the order of walk_meanings.
 */
/* clang-format off */
#define WALK_FLAGS(X)      \
  X(WQ_BH)                 \
  X(WQ_UNBOUND)            \
  X(WQ_FREEZABLE)          \
  X(WQ_MEM_RECLAIM)        \
  X(WQ_HIGHPRI)            \
  X(WQ_CPU_INTENSIVE)      \
  X(WQ_SYSFS)              \
  X(WQ_POWER_EFFICIENT)    \
  X(WQ_PERCPU)             \
  X(__WQ_DESTROYING)       \
  X(__WQ_DRAINING)         \
  X(__WQ_ORDERED)          \
  X(__WQ_LEGACY)           \
  X(__WQ_ORDERED_EXPLICIT)
#define WALK_SCOPES(X)   \
  X(WQ_AFFN_DFL)         \
  X(WQ_AFFN_CPU)         \
  X(WQ_AFFN_SMT)         \
  X(WQ_AFFN_CACHE)       \
  X(WQ_AFFN_CACHE_SHARD) \
  X(WQ_AFFN_NUMA)        \
  X(WQ_AFFN_SYSTEM)
#define WALK_COUNTERS(X)    \
  X(PWQ_STAT_STARTED)       \
  X(PWQ_STAT_COMPLETED)     \
  X(PWQ_STAT_CPU_TIME)      \
  X(PWQ_STAT_CPU_INTENSIVE) \
  X(PWQ_STAT_CM_WAKEUP)     \
  X(PWQ_STAT_REPATRIATED)   \
  X(PWQ_STAT_MAYDAY)        \
  X(PWQ_STAT_RESCUED)
/* clang-format on */

/* What a record knows. */
enum {
  WALK_HAS_MIN_ACTIVE = 1 << 0,
  WALK_HAS_ATTRS = 1 << 1,
  WALK_HAS_AFFINITY = 1 << 2,
  WALK_HAS_STATS = 1 << 3,
  WALK_HAS_MASK = 1 << 4,
};

struct walk_workqueue {
  unsigned long long address;
  char name[WALK_NAME];
  unsigned int has;
  unsigned int flags;
  int max_active, min_active;
  int rescuer; /* its pid, 0: none */
  int nice, affinity_scope, affinity_strict;
  unsigned int pwqs;
  unsigned int unused;
  unsigned long long stats[WALK_STATS]; /* sums over its pool_workqueues */
  unsigned long long pools[WALK_POOLS / 64];
};

struct walk_pool {
  unsigned int walk; /* the number of the walk that wrote this */
  unsigned int has;
  unsigned int flags;
  int cpu, node, nice;
  int workers, idle;
  unsigned long long mask[WALK_MASK_WORDS];
};

/* The running kernel's numbers; 0 of a flag, -1 of the others: it has none of that name. */
struct walk_meanings {
  unsigned int flags[16];
  int scopes[8];
  int counters[8];
};

/* How far a walk is. */
struct walk_state {
  unsigned int walk; /* its number; set from outside, and the rest to 0 */
  unsigned int workqueues;
  unsigned int done;
  unsigned int cut;                    /* there was more than there is room for */
  unsigned long long begin_ns, end_ns; /* CLOCK_MONOTONIC */
  unsigned long long first, at;        /* list nodes of workqueues */
  unsigned long long pwq;              /* list node of a pool_workqueue; 0: `at` is to be begun */
};

#endif
