/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a watch over flushes hands over: the BPF program fills it, the program that loaded it reads
 * it. */
#ifndef WQPROF_LIVE_BPF_FLUSH_RECORDS_H_
#define WQPROF_LIVE_BPF_FLUSH_RECORDS_H_

enum {
  FLUSH_OPEN = 16384, /* tasks that are in a flush at once */
  FLUSH_RING_BYTES = 1 << 19,
  FLUSH_NAME = 32,
  FLUSH_COMM = 16,
};

/* What a task waits for. */
enum {
  FLUSH_WORK,
  FLUSH_CANCEL,
  FLUSH_WORKQUEUE,
  FLUSH_DRAIN,
  FLUSH_KINDS,
};

/* A wait that lasted. */
struct flush_record {
  unsigned long long begin_ns, end_ns; /* CLOCK_MONOTONIC */
  unsigned long long object;           /* address of the work, or of the workqueue */
  unsigned long long function;         /* of the work when the wait began; 0 of a workqueue */
  unsigned int kind;
  int task;
  char comm[FLUSH_COMM];
  char workqueue[FLUSH_NAME]; /* "" of a work */
};

/* Of one kind, on one CPU. */
struct flush_count {
  unsigned long long calls;      /* those within another flush of the same are not counted */
  unsigned long long waited;     /* as long as is asked for */
  unsigned long long lost;       /* of these: the ring buffer had no room */
  unsigned long long unfollowed; /* calls: too many tasks were in a flush */
};

#endif
