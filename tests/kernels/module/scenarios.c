// SPDX-License-Identifier: GPL-2.0
/* Scenarios in which works wait for nothing but works. */
#include <linux/delay.h>
#include <linux/timer.h>
#include <linux/module.h>

#include "wqtruth.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define stop_timer(t) timer_delete_sync(t)
#else
#define stop_timer(t) del_timer_sync(t)
#endif

static uint storm = 20000;
module_param(storm, uint, 0644);
MODULE_PARM_DESC(storm, "works of the scenario storm");

/* 200 works of 5 ms asleep on an unbound workqueue of max_active 32. */
static void sc_sleep(void)
{
	int i;

	for (i = 0; i < 200; i++)
		queue(item(wqt_fn_sleep, &wqs[W_UNBOUND], K_SLEEP, 5000), QUEUE, 0, 0);
	flush_wq(W_UNBOUND);
}

/* 50 works of 20 ms busy on CPU 1, and 10 short victims behind them there. */
static void sc_hog(void)
{
	int i;

	for (i = 0; i < 50; i++) {
		queue(item(wqt_fn_hog, &wqs[W_BOUND], K_BUSY, 20000), QUEUE_ON, CPU1, 0);
		if (i % 5 == 0)
			queue(item(wqt_fn_victim, &wqs[W_VICTIM], K_BUSY, 100), QUEUE_ON, CPU1, 0);
	}
	flush_wq(W_BOUND);
	flush_wq(W_VICTIM);
}

/* Three bursts of 20 works of 2 ms busy, one at a time. */
static void sc_ordered(void)
{
	int b, i;

	for (b = 0; b < 3; b++) {
		for (i = 0; i < 20; i++)
			queue(item(wqt_fn_ordered, &wqs[W_ORDERED], K_BUSY, 2000), QUEUE, 0, 0);
		msleep(100);
	}
	flush_wq(W_ORDERED);
	for (i = 0; i < 20; i++)	/* per-CPU max_active=1: one at a time on each CPU */
		queue(item(wqt_fn_ordered, &wqs[W_MAX1], K_BUSY, 1000), QUEUE_ON, i % 2 ? CPU1 : 0, 0);
	flush_wq(W_MAX1);
}

/* 40 delayed works of 30 ms; 5 re-timed to 60 ms; 5 cancelled in time. */
static void sc_delayed(void)
{
	struct item *mod[5], *can[5];
	int i;

	for (i = 0; i < 5; i++) {
		queue(mod[i] = item(wqt_fn_delayed, &wqs[W_DELAYED], K_BUSY, 200), DELAYED, 0, 30);
		queue(can[i] = item(wqt_fn_cancel, &wqs[W_DELAYED], K_BUSY, 200), DELAYED, 0, 30);
	}
	msleep(5);
	for (i = 0; i < 5; i++) {
		queue(mod[i], MOD, 0, 60);
		cancel(can[i], true);
	}
	for (i = 0; i < 40; i++) {
		queue(item(wqt_fn_delayed, &wqs[W_DELAYED], K_BUSY, 500), DELAYED, 0, 30);
		msleep(4);
	}
	msleep(150);
	flush_wq(W_DELAYED);
}

/* Three works that queue themselves again, 30 times each. */
static void sc_self(void)
{
	struct item *it[3];
	int i;

	for (i = 0; i < 3; i++) {
		it[i] = item(wqt_fn_self, &wqs[i ? W_BOUND : W_UNBOUND], i ? K_BUSY : K_SLEEP, 1000);
		it[i]->requeues = 30;
		queue(it[i], QUEUE, 0, 0);
	}
	drain_wq(W_UNBOUND);
	drain_wq(W_BOUND);
}

/* Queued again, on the other CPU, while running; and twice more for nothing. */
static void sc_reent(void)
{
	struct item *it = item(wqt_fn_reent, &wqs[W_BOUND], K_SLEEP, 20000);
	int i;

	for (i = 0; i < 20; i++) {
		queue(it, QUEUE_ON, 0, 0);
		msleep(8);
		queue(it, QUEUE_ON, CPU1, 0);
		queue(it, QUEUE_ON, 0, 0);
		queue(it, QUEUE_ON, CPU1, 0);
		flush_one(it);
	}
}

/* 20 of 25 works behind a 100 ms blocker are cancelled before they run. */
static void sc_cancel(void)
{
	struct item *it[25];
	int i;

	queue(item(wqt_fn_blocker, &wqs[W_ORDERED], K_SLEEP, 100000), QUEUE, 0, 0);
	for (i = 0; i < 25; i++)
		queue(it[i] = item(wqt_fn_cancel, &wqs[W_ORDERED], K_BUSY, 500), QUEUE, 0, 0);
	msleep(20);
	for (i = 0; i < 25; i++)
		if (i % 5)
			cancel(it[i], false);
	flush_wq(W_ORDERED);
	for (i = 0; i < 25; i++)	/* cancelled ones may be queued anew */
		if (i % 5 == 1)
			queue(it[i], QUEUE, 0, 0);
	flush_wq(W_ORDERED);
}

/* flush_work from a task and from a work, flush and drain of workqueues. */
static void sc_flush(void)
{
	struct item *it, *fl;
	int i;

	for (i = 0; i < 10; i++) {
		it = item(wqt_fn_flush, &wqs[W_BOUND], K_SLEEP, 5000);
		queue(it, QUEUE_ON, CPU1, 0);
		if (i % 2)
			msleep(2);	/* running, else mostly still pending */
		flush_one(it);
		flush_one(it);		/* idle: nothing to wait for */
	}
	for (i = 0; i < 5; i++) {	/* one work waits for another, of another workqueue */
		it = item(wqt_fn_flush, &wqs[W_BOUND], K_SLEEP, 10000);
		fl = item(wqt_fn_flusher, &wqs[W_UNBOUND], K_FLUSH, 500);
		fl->other = it;
		queue(it, QUEUE_ON, CPU1, 0);
		queue(fl, QUEUE, 0, 0);
	}
	flush_wq(W_UNBOUND);
	flush_wq(W_BOUND);
}

/* One address, one work after the other, of two functions; then overlapping. */
static void sc_reuse(void)
{
	struct item *it = item(wqt_fn_first, &wqs[W_UNBOUND], K_BUSY, 300);
	int i;

	for (i = 0; i < 40; i++) {
		INIT_DELAYED_WORK(&it->dw, i % 2 ? wqt_fn_second : wqt_fn_first);
		queue(it, QUEUE, 0, 0);
		flush_one(it);
	}
	for (i = 0; i < 10; i++) {
		it = item(wqt_fn_recycler, &wqs[W_UNBOUND], K_RECYCLE, 10000);
		queue(it, QUEUE, 0, 0);
		msleep(40);
	}
	flush_wq(W_UNBOUND);
}

/* 1 s in D state with a mutex held; its queue and the mutex's waiters stall. */
static void sc_dstate(void)
{
	int i;

	queue(item(wqt_fn_holder, &wqs[W_STALL], K_MUTEX, 1000000), QUEUE, 0, 0);
	for (i = 0; i < 10; i++)
		queue(item(wqt_fn_victim, &wqs[W_STALL], K_BUSY, 300), QUEUE, 0, 0);
	msleep(20);
	for (i = 0; i < 4; i++)
		queue(item(wqt_fn_waiter, &wqs[W_UNBOUND], K_MUTEX, 2000), QUEUE, 0, 0);
	flush_wq(W_STALL);
	flush_wq(W_UNBOUND);
}

/* Five works on a workqueue of each kind, busy 500 us each. */
static void sc_flags(void)
{
	int w, i;

	for (w = 0; w < W_COUNT; w++) {
		bool bh = w == W_BH || w == W_BH_HI;

		if (!wqs[w].wq)
			continue;
		for (i = 0; i < 5; i++)
			queue(item(bh ? wqt_fn_bh : wqt_fn_flags, &wqs[w], K_BUSY, 500), QUEUE, 0, 0);
		msleep(20);
	}
}

/* Bottom-half works (Linux 6.9+): 100 of them on two CPUs, busy 100 us each. */
static void sc_bh(void)
{
	int i;

	if (!wqs[W_BH].wq)
		return;
	for (i = 0; i < 100; i++) {
		queue(item(wqt_fn_bh, &wqs[i % 4 ? W_BH : W_BH_HI], K_BUSY, 100), QUEUE_ON,
		      i % 2 ? CPU1 : 0, 0);
		if (i % 10 == 9)
			msleep(4);
	}
	msleep(50);
}

/* Works that queue the next one: 8 chains of 6 over three workqueues. */
static void sc_chain(void)
{
	static const int along[6] = { W_BOUND, W_UNBOUND, W_HIGH, W_ORDERED, W_CPUINT, W_SYS };
	struct item *next, *it;
	int c, i;

	for (c = 0; c < 8; c++) {
		next = NULL;
		for (i = 5; i >= 0; i--) {
			it = item(wqt_fn_chain, &wqs[along[i]], next ? K_CHAIN : K_BUSY, 300);
			it->other = next;
			next = it;
		}
		queue(next, QUEUE, 0, 0);
		msleep(3);
	}
	msleep(50);
}

/* Queued from a timer, so from softirq context: 20 times, 8 ms apart. */
static struct irq_src {
	struct timer_list timer;
	struct item *it[20];
	int n;
} irq_src;

static void irq_tick(struct timer_list *t)
{
	struct irq_src *s = container_of(t, struct irq_src, timer);

	queue(s->it[s->n], QUEUE, 0, 0);
	if (++s->n < ARRAY_SIZE(s->it))
		mod_timer(t, jiffies + msecs_to_jiffies(8));
}

static void sc_irq(void)
{
	int i;

	irq_src.n = 0;
	for (i = 0; i < ARRAY_SIZE(irq_src.it); i++)
		irq_src.it[i] = item(wqt_fn_irq, &wqs[W_HIGH], K_BUSY, 200);
	timer_setup(&irq_src.timer, irq_tick, 0);
	mod_timer(&irq_src.timer, jiffies + 1);
	msleep(20 * 12 + 200);
	stop_timer(&irq_src.timer);
	flush_wq(W_HIGH);
}

/* Bound works that all sleep: the pool needs a worker for each. */
static void mem_works(int n, u32 us)
{
	while (n--)
		queue(item(wqt_fn_sleep, &wqs[W_MEM], K_SLEEP, us), QUEUE_ON, CPU1, 0);
	flush_wq(W_MEM);
}

static void sc_mem(void)
{
	mem_works(12, 60000);
}

/* One 2 s work, half of it busy: for traces cut at either end. */
static void sc_long(void)
{
	int i;

	queue(item(wqt_fn_long, &wqs[W_UNBOUND], K_SLEEP, 2000000), QUEUE, 0, 0);
	queue(item(wqt_fn_long, &wqs[W_CPUINT], K_BUSY, 1000000), QUEUE_ON, CPU1, 0);
	for (i = 0; i < 100; i++) {
		queue(item(wqt_fn_self, &wqs[W_ORDERED], K_BUSY, 1000), QUEUE, 0, 0);
		msleep(20);
	}
	flush_wq(W_UNBOUND);
	flush_wq(W_ORDERED);
	flush_wq(W_CPUINT);
}

/* `storm` works by 16 items that queue themselves again. */
static void sc_storm(void)
{
	static const int on[] = { W_UNBOUND, W_HIGH, W_ORDERED, W_BOUND };
	struct item *it;
	int i;

	atomic_set(&budget, storm > 16 ? storm - 16 : 0);
	for (i = 0; i < 16; i++) {
		it = item(wqt_fn_storm, &wqs[on[i % ARRAY_SIZE(on)]], i % 8 < 6 ? K_NOP : K_BUSY, i % 8 < 6 ? 0 : 20);
		it->requeues = -1;
		queue(it, QUEUE, 0, 0);
	}
	while (atomic_read(&budget) >= 0)
		msleep(20);
	flush_wq(W_UNBOUND);
	flush_wq(W_HIGH);
	flush_wq(W_ORDERED);
	flush_wq(W_BOUND);
}

const struct scenario scenarios[] = {
	{ "sleep", sc_sleep }, { "hog", sc_hog }, { "ordered", sc_ordered },
	{ "delayed", sc_delayed }, { "self", sc_self }, { "reent", sc_reent },
	{ "cancel", sc_cancel }, { "flush", sc_flush }, { "reuse", sc_reuse },
	{ "dstate", sc_dstate }, { "flags", sc_flags }, { "bh", sc_bh },
	{ "chain", sc_chain }, { "irq", sc_irq }, { "mem", sc_mem },
	{ "long", sc_long }, { "storm", sc_storm },
	{}
};
