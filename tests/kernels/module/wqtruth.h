// SPDX-License-Identifier: GPL-2.0
/* What the parts of wqtruth know of each other; main.c tells what it is for. */
#ifndef WQTRUTH_H
#define WQTRUTH_H

#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#ifdef HAVE_WQ_PERCPU
#define BOUND WQ_PERCPU
#else
#define BOUND 0
#endif

/* ---- log.c: what happened, as the module saw it -------------------------- */

enum outcome { OPEN, EXECUTED, ALREADY_PENDING, CANCELLED, MODIFIED };

/* One queue attempt and, if it was executed, that one execution. */
struct inst {
	const char *scenario, *wq, *fn, *how, *kind;
	void *work, *wq_at;
	u64 q0, q1, start, end, slept, cancel0, cancel1, exec;
	u32 delay_ms, run_us;
	int req_cpu, cpu_start, cpu_end, qpid, pid;
	unsigned long nvcsw, nivcsw;
	char comm[TASK_COMM_LEN];
	bool queued;
	enum outcome outcome;
};

extern const char *scenario;	/* whose rows are being written */

u64 now(void);
struct inst *new_inst(void);
void log_op(const char *name, const char *wq, void *work, u64 t0, u64 t1, int ret);
int log_init(void);
void log_exit(void);
void log_reset(void);
struct dentry;
void log_files(struct dentry *dir);

/* ---- workqueues.c -------------------------------------------------------- */

enum {
	W_BOUND, W_VICTIM, W_UNBOUND, W_ORDERED, W_HIGH, W_CPUINT, W_MEM, W_DELAYED,
	W_FREEZ, W_SYSFS, W_POWER, W_MAX1, W_STALL, W_LONG, W_LONGEST, W_ODD, W_TWIN, W_TWIN2,
	W_OWN_END,				/* ones above are ours to destroy */
	W_BH = W_OWN_END, W_BH_HI, W_SYS, W_SYS_HIGH, W_SYS_UNBOUND, W_SYS_LONG,
	W_COUNT
};

struct wqdef {
	const char *name;
	unsigned int flags;
	int max_active;				/* -1: ordered */
	struct workqueue_struct *wq;
};

extern struct wqdef wqs[W_COUNT];

int workqueues_init(void);
void workqueues_exit(void);

/* ---- works.c ------------------------------------------------------------- */

/* What a work does. */
enum kind { K_NOP, K_SLEEP, K_BUSY, K_MUTEX, K_FLUSH, K_CHAIN, K_RECYCLE };

/* A work and what it shall do.  The work comes first: its address is the item's. */
struct item {
	union {
		struct delayed_work dw;
		struct rcu_work rw;
	};
	spinlock_t lock;
	struct inst *pend;		/* the attempt that made it pending */
	struct inst *begun;		/* the one before, taken by a worker that is not in body() yet */
	enum kind kind;
	u32 us;
	int requeues;			/* how often to queue itself again; -1: within the budget */
	struct wqdef *wq;
	struct item *other;		/* K_FLUSH: flushed; K_CHAIN: queued */
	struct item *next;		/* list of all, freed by reset */
};

enum how { QUEUE, QUEUE_ON, DELAYED, MOD, BY_RCU };

extern atomic_t budget;

struct item *item(work_func_t fn, struct wqdef *wq, enum kind kind, u32 us);
bool queue(struct item *it, enum how how, int cpu, u32 delay_ms);
void busy(u32 us);
void items_reset(void);

bool flush_one(struct item *it);
void cancel(struct item *it, bool delayed);
void flush_wq(int w);
void drain_wq(int w);
void call_on_cpu(int cpu, u32 us);

#define WORK_FUNCTIONS(X)                                                              \
	X(wqt_fn_sleep) X(wqt_fn_hog) X(wqt_fn_victim) X(wqt_fn_ordered)               \
	X(wqt_fn_delayed) X(wqt_fn_self) X(wqt_fn_reent) X(wqt_fn_cancel)              \
	X(wqt_fn_blocker) X(wqt_fn_flush) X(wqt_fn_flusher) X(wqt_fn_first)            \
	X(wqt_fn_second) X(wqt_fn_recycler) X(wqt_fn_holder) X(wqt_fn_waiter)          \
	X(wqt_fn_flags) X(wqt_fn_bh) X(wqt_fn_chain) X(wqt_fn_storm) X(wqt_fn_irq)     \
	X(wqt_fn_long) X(wqt_fn_frozen) X(wqt_fn_mod) X(wqt_fn_max1) X(wqt_fn_starved) \
	X(wqt_fn_rcu) X(wqt_fn_last) X(wqt_fn_twin) X(wqt_fn_moved) X(wqt_fn_hotplug)  \
	X(wqt_fn_bhlate) X(recycled)

#define DECLARE(f) void f(struct work_struct *w);
WORK_FUNCTIONS(DECLARE)

/* ---- helpers.c: other tasks that get in the way -------------------------- */

/* A task that keeps `cpu` busy for `ms`: real-time, or with bottom halves off. */
struct hog;
struct hog *hog_real_time(int cpu, u32 ms);
struct hog *hog_bottom_halves(int cpu, u32 ms, struct item *const *queued_within, int count);
void hog_join(struct hog *hog);

int freeze_workqueues(void);	/* 0, or why it cannot */
void thaw_frozen_workqueues(void);

/* ---- scenarios.c, interference.c ----------------------------------------- */

#define CPU1 (num_online_cpus() > 1 ? 1 : 0)

struct scenario {
	const char *name;
	void (*run)(void);
};

extern const struct scenario scenarios[];	/* both end with a nameless one */
extern const struct scenario interferences[];

#endif
