// SPDX-License-Identifier: GPL-2.0
/* Scenarios in which something else keeps works waiting: limits, other tasks, the freezer, CPUs
 * that go, workqueues that go. */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/printk.h>

#include "wqtruth.h"

static void sleepers(int w, work_func_t fn, int cpu, int count, u32 us)
{
	while (count--)
		queue(item(fn, &wqs[w], K_SLEEP, us), QUEUE_ON, cpu, 0);
	flush_wq(w);
}

/* Works that sleep, one worker for each, while kthreadd starves on CPU 0: no worker is made, and
 * the rescuer has to take them. */
static void sc_rescuer(void)
{
	struct hog *hog = hog_real_time(0, 700);

	sleepers(W_MEM, wqt_fn_sleep, CPU1, 20, 20000);
	hog_join(hog);
}

/* The same on a workqueue that has no rescuer: they wait until kthreadd runs again. */
static void sc_nofork(void)
{
	struct hog *hog = hog_real_time(0, 300);

	sleepers(W_BOUND, wqt_fn_sleep, CPU1, 20, 20000);
	hog_join(hog);
}

/* A real-time task has the CPU for 300 ms; a work queued there has an idle worker, and waits. */
static void sc_starved(void)
{
	struct hog *hog;
	int i;

	sleepers(W_BOUND, wqt_fn_sleep, CPU1, 2, 1000);	/* so that an idle worker is there */
	msleep(20);
	hog = hog_real_time(CPU1, 300);
	for (i = 0; i < 5; i++)
		queue(item(wqt_fn_starved, &wqs[W_BOUND], K_BUSY, 500), QUEUE_ON, CPU1, 0);
	flush_wq(W_BOUND);
	hog_join(hog);
}

/* A work keeps its CPU for 4 s; the work behind it waits longer than the watchdog allows. */
static void sc_lockup(void)
{
	queue(item(wqt_fn_hog, &wqs[W_BOUND], K_BUSY, 4000000), QUEUE_ON, CPU1, 0);
	msleep(20);
	queue(item(wqt_fn_victim, &wqs[W_VICTIM], K_BUSY, 100), QUEUE_ON, CPU1, 0);
	flush_wq(W_BOUND);
	flush_wq(W_VICTIM);
}

/* Bottom-half works that are queued while their CPU has bottom halves off for 30 ms. */
static void sc_bhlate(void)
{
	struct item *it[10];
	int i;

	if (!wqs[W_BH].wq)
		return;
	for (i = 0; i < ARRAY_SIZE(it); i++)
		it[i] = item(wqt_fn_bhlate, &wqs[W_BH], K_BUSY, 100);
	hog_join(hog_bottom_halves(CPU1, 30, it, ARRAY_SIZE(it)));
	msleep(20);
}

/* 10 works of a freezable workqueue that is frozen for 60 ms. */
static void sc_freeze(void)
{
	int i;

	queue(item(wqt_fn_frozen, &wqs[W_FREEZ], K_BUSY, 500), QUEUE_ON, CPU1, 0);
	flush_wq(W_FREEZ);
	if (freeze_workqueues()) {
		pr_warn("wqtruth: freeze_address and thaw_address are not given\n");
		return;
	}
	for (i = 0; i < 10; i++)
		queue(item(wqt_fn_frozen, &wqs[W_FREEZ], K_BUSY, 500), QUEUE_ON, CPU1, 0);
	msleep(60);
	thaw_frozen_workqueues();
	flush_wq(W_FREEZ);
}

/* One slot on each CPU: the works of a CPU wait for each other, not for those of the other CPU. */
static void sc_max1(void)
{
	int i;

	for (i = 0; i < 40; i++)
		queue(item(wqt_fn_max1, &wqs[W_MAX1], K_SLEEP, 3000), QUEUE_ON, i % 2 ? CPU1 : 0, 0);
	flush_wq(W_MAX1);
}

/* Timed anew faster than it runs, mostly to run at once. */
static void sc_modstorm(void)
{
	struct item *it[4];
	int i;

	for (i = 0; i < ARRAY_SIZE(it); i++)
		it[i] = item(wqt_fn_mod, &wqs[i % 2 ? W_UNBOUND : W_DELAYED], K_BUSY, 50);
	for (i = 0; i < 400; i++) {
		queue(it[i % ARRAY_SIZE(it)], MOD, 0, i % 5 == 4 ? 4 : 0);
		if (i % 20 == 19)
			msleep(1);
	}
	msleep(30);
	flush_wq(W_DELAYED);
	flush_wq(W_UNBOUND);
}

/* Queued by RCU, from its callbacks. */
static void sc_rcu(void)
{
	struct item *it;
	int i;

	for (i = 0; i < 20; i++) {
		it = item(wqt_fn_rcu, &wqs[W_BOUND], K_BUSY, 300);
		INIT_RCU_WORK(&it->rw, wqt_fn_rcu);
		queue(it, BY_RCU, 0, 0);
		if (i % 4 == 3)
			msleep(5);
	}
	rcu_barrier();
	flush_wq(W_BOUND);
}

/* A work on the caller's stack, again and again, for either CPU. */
static void sc_oncpu(void)
{
	int i;

	for (i = 0; i < 20; i++)
		call_on_cpu(i % 2 ? CPU1 : 0, 300);
}

/* A workqueue that is destroyed with works on it, and one of its name made again: 5 times. */
static void sc_destroy(void)
{
	static struct wqdef gone = { "wqt_gone" };
	int round, i;

	for (round = 0; round < 5; round++) {
		gone.wq = round % 2 ? alloc_workqueue("%s", WQ_UNBOUND, 4, gone.name) :
				      alloc_workqueue("%s", BOUND, 4, gone.name);
		if (!gone.wq)
			return;
		for (i = 0; i < 10; i++)
			queue(item(wqt_fn_last, &gone, K_SLEEP, 2000), QUEUE, 0, 0);
		destroy_workqueue(gone.wq);
	}
}

/* Two workqueues of one name, of which one has a single slot on each CPU; and a name that is as
 * long as the longest may be. */
static void sc_names(void)
{
	static const int of[] = { W_TWIN, W_TWIN2, W_LONGEST, W_LONG, W_ODD };
	int i;

	for (i = 0; i < 50; i++)
		queue(item(wqt_fn_twin, &wqs[of[i % ARRAY_SIZE(of)]], K_SLEEP, 2000), QUEUE_ON, CPU1, 0);
	for (i = 0; i < ARRAY_SIZE(of); i++)
		flush_wq(of[i]);
}

/* Works of an unbound workqueue whose attributes somebody may change meanwhile, for about 1 s. */
static void sc_cpumask(void)
{
	int i, j;

	for (i = 0; i < 40; i++) {
		for (j = 0; j < 5; j++)
			queue(item(wqt_fn_moved, &wqs[W_SYSFS], j % 2 ? K_BUSY : K_SLEEP, 3000), QUEUE, 0, 0);
		msleep(20);
	}
	flush_wq(W_SYSFS);
}

/* CPU 1 goes and comes back twice, while its workers hold works and more are queued elsewhere. */
static void sc_hotplug(void)
{
	int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 4; i++)
			queue(item(wqt_fn_hotplug, &wqs[W_BOUND], K_SLEEP, 60000), QUEUE_ON, CPU1, 0);
		for (i = 0; i < 4; i++)
			queue(item(wqt_fn_hotplug, &wqs[W_BOUND], K_BUSY, 2000), QUEUE_ON, CPU1, 0);
		msleep(5);
#ifdef CONFIG_HOTPLUG_CPU
		remove_cpu(1);
#endif
		for (i = 0; i < 10; i++)
			queue(item(wqt_fn_hotplug, &wqs[i % 2 ? W_BOUND : W_UNBOUND], K_BUSY, 500), QUEUE, 0, 0);
		msleep(30);
#ifdef CONFIG_HOTPLUG_CPU
		add_cpu(1);
#endif
		flush_wq(W_BOUND);
		flush_wq(W_UNBOUND);
	}
}

const struct scenario interferences[] = {
	{ "rescuer", sc_rescuer }, { "nofork", sc_nofork }, { "starved", sc_starved },
	{ "bhlate", sc_bhlate }, { "freeze", sc_freeze }, { "max1", sc_max1 },
	{ "modstorm", sc_modstorm }, { "rcu", sc_rcu }, { "oncpu", sc_oncpu },
	{ "destroy", sc_destroy }, { "names", sc_names }, { "cpumask", sc_cpumask },
	{ "hotplug", sc_hotplug }, { "lockup", sc_lockup },
	{}
};
