// SPDX-License-Identifier: GPL-2.0
/* What gets in the way of workers: tasks that keep a CPU, and the freezer. */
#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "wqtruth.h"

/* Neither is exported, and a whole suspend would freeze the recorder as well. */
static ulong freeze_address, thaw_address;
module_param(freeze_address, ulong, 0400);
MODULE_PARM_DESC(freeze_address, "of freeze_workqueues_begin()");
module_param(thaw_address, ulong, 0400);
MODULE_PARM_DESC(thaw_address, "of thaw_workqueues()");

int freeze_workqueues(void)
{
	if (!freeze_address || !thaw_address)
		return -ENOENT;
	((void (*)(void))freeze_address)();
	return 0;
}

void thaw_frozen_workqueues(void)
{
	((void (*)(void))thaw_address)();
}

struct hog {
	struct completion begun, ended;
	u32 ms;
	struct item *const *items;
	int count;
};

static int real_time(void *arg)
{
	struct hog *hog = arg;

	sched_set_fifo(current);
	complete(&hog->begun);
	busy(hog->ms * 1000);
	complete(&hog->ended);
	return 0;
}

static int bottom_halves(void *arg)
{
	struct hog *hog = arg;
	int i;

	complete(&hog->begun);
	local_bh_disable();
	for (i = 0; i < hog->count; i++)
		queue(hog->items[i], QUEUE_ON, raw_smp_processor_id(), 0);
	busy(hog->ms * 1000);
	local_bh_enable();
	complete(&hog->ended);
	return 0;
}

static struct hog *start(int (*what)(void *), const char *name, int cpu, u32 ms,
			 struct item *const *items, int count)
{
	struct hog *hog = kzalloc(sizeof(*hog), GFP_KERNEL | __GFP_NOFAIL);
	struct task_struct *task;

	init_completion(&hog->begun);
	init_completion(&hog->ended);
	hog->ms = ms;
	hog->items = items;
	hog->count = count;
	task = kthread_create(what, hog, "%s", name);
	if (IS_ERR(task)) {
		kfree(hog);
		return NULL;
	}
	kthread_bind(task, cpu);
	wake_up_process(task);
	wait_for_completion(&hog->begun);
	return hog;
}

struct hog *hog_real_time(int cpu, u32 ms)
{
	return start(real_time, "wqt_rt_hog", cpu, ms, NULL, 0);
}

struct hog *hog_bottom_halves(int cpu, u32 ms, struct item *const *queued_within, int count)
{
	return start(bottom_halves, "wqt_bh_hog", cpu, ms, queued_within, count);
}

void hog_join(struct hog *hog)
{
	if (!hog)
		return;
	wait_for_completion(&hog->ended);
	kfree(hog);
}
