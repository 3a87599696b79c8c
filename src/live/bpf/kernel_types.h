/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fields of the kernel's types that the walk reads, as BTF names them.  Offsets and sizes come
 * from the running kernel (CO-RE); what it lacks is asked for with bpf_core_field_exists().
 */
#ifndef WQPROF_LIVE_BPF_KERNEL_TYPES_H_
#define WQPROF_LIVE_BPF_KERNEL_TYPES_H_

enum wq_affn_scope {
  WQ_AFFN_DFL,
  WQ_AFFN_CPU,
  WQ_AFFN_SMT,
  WQ_AFFN_CACHE,
  WQ_AFFN_CACHE_SHARD,
  WQ_AFFN_NUMA,
  WQ_AFFN_SYSTEM,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
  struct list_head *next, *prev;
};

struct cpumask {
  unsigned long bits[1];
};

struct bpf_iter__task {
  struct task_struct *task;
};

struct thread_info {
  unsigned int cpu;
};

struct sched_entity {
  unsigned long long sum_exec_runtime;
};

struct task_struct {
  struct thread_info thread_info; /* it has the CPU since 5.16 */
  unsigned int __state;           /* since 5.14 */
  unsigned int flags;
  int on_cpu, prio, pid;
  struct sched_entity se;
  void *worker_private; /* struct kthread, since 5.17 */
  int *set_child_tid;   /* the same, before */
  char comm[16];
};
struct task_struct___before_5_16 {
  unsigned int cpu;
};
struct task_struct___before_5_14 {
  long state;
};

struct kthread {
  void *data;
};

struct work_struct {
  struct {
    long long counter;
  } data;
  struct list_head entry;
  void *func;
};

struct worker {
  struct work_struct *current_work;
  void *current_func;
  struct pool_workqueue *current_pwq;
  unsigned long long current_at; /* since 6.5 */
  unsigned long current_start;   /* since 7.1 */
  struct list_head scheduled, node;
  struct workqueue_struct *rescue_wq;
  struct task_struct *task;
  struct worker_pool *pool;
  char desc[24];
};

struct workqueue_attrs {
  int nice;
  enum wq_affn_scope affn_scope;
  _Bool affn_strict;
};

/* With CPUMASK_OFFSTACK a cpumask_var_t is a pointer, else an array of one. */
struct workqueue_attrs___pointer {
  struct cpumask *cpumask;
};
struct workqueue_attrs___array {
  struct cpumask cpumask[1];
};

struct worker_pool {
  int cpu, node, id;
  unsigned int flags;
  unsigned long last_progress_ts; /* Linux 7.2 has it, 6.12 the other name */
  int nr_running;                 /* since 5.18 */
  int nr_workers, nr_idle;
  struct list_head worklist, workers;
  struct worker *manager;
  struct workqueue_attrs *attrs;
};
struct worker_pool___as_6_12 {
  unsigned long watchdog_ts;
};
struct worker_pool___before_5_18 {
  struct {
    int counter;
  } nr_running;
};

struct pool_workqueue {
  struct worker_pool *pool;
  struct workqueue_struct *wq;
  int nr_active;
  struct list_head inactive_works; /* since 5.15 */
  struct list_head pwqs_node;
  unsigned long long stats[8]; /* since 6.5 */
};
struct pool_workqueue___before_5_15 {
  struct list_head delayed_works;
};

struct workqueue_struct {
  struct list_head pwqs, list;
  struct worker *rescuer;
  int saved_max_active;
  int saved_min_active; /* since 6.9 */
  struct workqueue_attrs *unbound_attrs;
  char name[24];
  unsigned int flags;
};

#pragma clang attribute pop

/* The kernel gave it its name late; the values were the same before. */
enum wq_flags {
  WQ_BH = 1 << 0,
  WQ_UNBOUND = 1 << 1,
  WQ_FREEZABLE = 1 << 2,
  WQ_MEM_RECLAIM = 1 << 3,
  WQ_HIGHPRI = 1 << 4,
  WQ_CPU_INTENSIVE = 1 << 5,
  WQ_SYSFS = 1 << 6,
  WQ_POWER_EFFICIENT = 1 << 7,
  WQ_PERCPU = 1 << 8,
  __WQ_DESTROYING = 1 << 15,
  __WQ_DRAINING = 1 << 16,
  __WQ_ORDERED = 1 << 17,
  __WQ_LEGACY = 1 << 18,
  __WQ_ORDERED_EXPLICIT = 1 << 19, /* gone in 6.9 */
};

enum pool_workqueue_stats {
  PWQ_STAT_STARTED,
  PWQ_STAT_COMPLETED,
  PWQ_STAT_CPU_TIME,
  PWQ_STAT_CPU_INTENSIVE,
  PWQ_STAT_CM_WAKEUP,
  PWQ_STAT_REPATRIATED,
  PWQ_STAT_MAYDAY,
  PWQ_STAT_RESCUED,
};

#endif
