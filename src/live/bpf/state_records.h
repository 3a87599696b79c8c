/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a look at the pools hands over: the BPF program fills it, the program that loaded it reads
 * it. */
#ifndef WQPROF_LIVE_BPF_STATE_RECORDS_H_
#define WQPROF_LIVE_BPF_STATE_RECORDS_H_

#include "walk_records.h"

enum {
  STATE_WORKERS = 4096, /* that execute or want to */
  STATE_GROUPS = 8192,  /* of works that are alike and wait */
  STATE_CPUS = WALK_MASK_WORDS * 64,
  STATE_COMM = 16,
  /* How many entries of one list are followed, and how many works in all: a list may change while
   * it is read, and one run shall not last. */
  STATE_LIST_WORKS = 16384,
  STATE_ALL_WORKS = 65536,
  STATE_LIST_WORKERS = 8192,
  STATE_TRIES = 8, /* of a list whose first entry went away */
};

/* Where works wait. */
enum {
  STATE_PENDING,   /* for a worker of the pool */
  STATE_INACTIVE,  /* for a slot of their workqueue */
  STATE_SCHEDULED, /* for the worker that has taken them */
};

/* What is known of a pool, and what is not. */
enum {
  /* Of lists: one was not read to its end, as it changed meanwhile, or is longer than is followed.
   */
  STATE_MORE_PENDING = 1 << STATE_PENDING,
  STATE_MORE_INACTIVE = 1 << STATE_INACTIVE,
  STATE_MORE_SCHEDULED = 1 << STATE_SCHEDULED,
  STATE_MORE_WORKERS = 1 << 7,
  STATE_HAS_MASK = 1 << 3,
  STATE_HAS_ATTRS = 1 << 4,
  STATE_SEEN = 1 << 5,
  STATE_BH = 1 << 6,
  STATE_HAS_PROGRESS = 1 << 8,
};

struct state_pool {
  unsigned int notes;
  int cpu, node, nice;
  int workers, idle, running;
  int manager; /* pid of the worker that makes a new one; 0: none */
  int active;  /* works of its pool_workqueues that execute or wait for a worker */
  unsigned int unused;
  unsigned long long pending;       /* in its list, as far as it was read */
  unsigned long long stuck_jiffies; /* since its workers took a work, or its list was empty */
  unsigned long long mask[WALK_MASK_WORDS];
};

/* Works that are alike. */
struct state_key {
  unsigned long long workqueue, function; /* addresses */
  int pool, list, worker, unused;
};

struct state_works {
  unsigned long long count;
  unsigned long long work; /* the first one's address */
  int max_active;
  unsigned int order;
  char name[WALK_NAME]; /* of the workqueue */
};

/* What a worker has. */
enum {
  STATE_HAS_CPU_TIME = 1 << 0,
  STATE_HAS_START = 1 << 1,
  STATE_RESCUER = 1 << 2,
  STATE_ON_CPU = 1 << 3,
};

struct state_worker {
  unsigned long long work, function, workqueue;
  unsigned long long cpu_time_ns; /* since the work began or the worker woke up last, by ticks */
  unsigned long long running_jiffies; /* since the work began */
  int pool, pid, cpu;
  unsigned int has;
  unsigned int task_state; /* the kernel's */
  unsigned int unused;
  char comm[STATE_COMM];
  char name[WALK_NAME];        /* of the workqueue */
  char description[WALK_NAME]; /* what it executes, for people */
};

/* The task that has a CPU. */
struct state_task {
  int pid, prio;
  int seen;
  int reader; /* it is the one that reads this */
  char comm[STATE_COMM];
};

/* How far a look is. */
struct state_walk {
  unsigned int done;
  unsigned int cut; /* there was more than there is room for */
  unsigned int workers, groups, works;
  unsigned int unused;
  unsigned long long begin_ns, end_ns; /* CLOCK_MONOTONIC */
  unsigned long long jiffies;
  unsigned long long first, at; /* list nodes of workqueues */
  unsigned long long pwq;       /* list node of a pool_workqueue; 0: `at` is to be begun */
  unsigned long long pool;      /* a pool whose lists are to be begun; 0: none */
  unsigned long long owner;     /* the pool whose lists are read */
  unsigned long long worker_head, worker; /* list of workers; 0: none is read */
  unsigned long long work_head, work;     /* list of works; 0: none is read */
  int owner_id, list, list_worker;
  unsigned int list_works, list_workers;
  unsigned int tries;
};

#endif
