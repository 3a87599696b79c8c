// SPDX-License-Identifier: GPL-2.0
/* The log: rows in an array that is as large as it will ever be, shown through debugfs. */
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/trace_clock.h>
#include <linux/vmalloc.h>

#include "wqtruth.h"

#define MAX_OPS 4096

static char clock_name[8] = "local";
module_param_string(clock, clock_name, sizeof(clock_name), 0644);
MODULE_PARM_DESC(clock, "of all stamps, local or mono: that of the trace");
static uint cap = 65536;
module_param(cap, uint, 0444);
MODULE_PARM_DESC(cap, "rows of the log");

/* Something that waited: a flush, a cancel, a drain. */
struct op {
	const char *scenario, *op, *wq;
	void *work;
	u64 t0, t1;
	int pid, ret;
};

static const char *const outcome_names[] = {
	"open", "executed", "already_pending", "cancelled", "modified",
};

const char *scenario = "none";
static struct inst *insts;
static struct op *ops;
static atomic_t n_insts, n_ops;

u64 now(void)
{
	return clock_name[0] == 'm' ? ktime_get_mono_fast_ns() : trace_clock_local();
}

/* NULL when the log is full. */
struct inst *new_inst(void)
{
	u32 i = atomic_inc_return(&n_insts) - 1;

	if (i >= cap)
		return NULL;
	memset(&insts[i], 0, sizeof(insts[i]));
	insts[i].scenario = scenario;
	insts[i].req_cpu = -1;
	insts[i].qpid = in_task() ? current->pid : 0;
	return &insts[i];
}

void log_op(const char *name, const char *wq, void *work, u64 t0, u64 t1, int ret)
{
	u32 i = atomic_inc_return(&n_ops) - 1;

	if (i < MAX_OPS)
		ops[i] = (struct op){ scenario, name, wq, work, t0, t1, current->pid, ret };
}

void log_reset(void)
{
	atomic_set(&n_insts, 0);
	atomic_set(&n_ops, 0);
}

int log_init(void)
{
	insts = vzalloc(array_size(cap, sizeof(*insts)));
	ops = vzalloc(array_size(MAX_OPS, sizeof(*ops)));
	return insts && ops ? 0 : -ENOMEM;
}

void log_exit(void)
{
	vfree(insts);
	vfree(ops);
}

static void *start_at(loff_t pos, u32 n)
{
	if (pos == 0)
		return SEQ_START_TOKEN;
	return pos <= n ? (void *)(unsigned long)(pos + 1) : NULL;
}

static void *truth_start(struct seq_file *m, loff_t *pos)
{
	return start_at(*pos, min_t(u32, atomic_read(&n_insts), cap));
}

static void *truth_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return truth_start(m, pos);
}

static void *ops_start(struct seq_file *m, loff_t *pos)
{
	return start_at(*pos, min_t(u32, atomic_read(&n_ops), MAX_OPS));
}

static void *ops_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return ops_start(m, pos);
}

static void no_stop(struct seq_file *m, void *v)
{
}

static int truth_show(struct seq_file *m, void *v)
{
	unsigned long i = (unsigned long)v - 2;
	struct inst *n;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "id,scenario,wq,wq_at,fn,work,how,req_cpu,delay_ms,kind,run_us,queued,qpid,"
			    "q0,q1,start,end,cpu_start,cpu_end,pid,comm,slept,exec,nvcsw,nivcsw,"
			    "cancel0,cancel1,outcome\n");
		return 0;
	}
	n = &insts[i];
	seq_printf(m, "%lu,%s,\"%s\",%px,%s,%px,%s,%d,%u,%s,%u,%d,%d,", i, n->scenario, n->wq, n->wq_at,
		   n->fn, n->work, n->how, n->req_cpu, n->delay_ms, n->kind, n->run_us, n->queued,
		   n->qpid);
	seq_printf(m, "%llu,%llu,%llu,%llu,%d,%d,%d,\"%s\",%llu,%llu,%lu,%lu,%llu,%llu,%s\n", n->q0, n->q1,
		   n->start, n->end, n->cpu_start, n->cpu_end, n->pid, n->comm, n->slept, n->exec,
		   n->nvcsw, n->nivcsw, n->cancel0, n->cancel1, outcome_names[n->outcome]);
	return 0;
}

static int ops_show(struct seq_file *m, void *v)
{
	unsigned long i = (unsigned long)v - 2;
	struct op *o;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "id,scenario,op,wq,work,t0,t1,pid,ret\n");
		return 0;
	}
	o = &ops[i];
	seq_printf(m, "%lu,%s,%s,\"%s\",%px,%llu,%llu,%d,%d\n", i, o->scenario, o->op, o->wq, o->work,
		   o->t0, o->t1, o->pid, o->ret);
	return 0;
}

static const struct seq_operations truth_sops = { truth_start, no_stop, truth_next, truth_show };
static const struct seq_operations ops_sops = { ops_start, no_stop, ops_next, ops_show };
DEFINE_SEQ_ATTRIBUTE(truth);
DEFINE_SEQ_ATTRIBUTE(ops);

void log_files(struct dentry *dir)
{
	debugfs_create_file("truth", 0400, dir, NULL, &truth_fops);
	debugfs_create_file("ops", 0400, dir, NULL, &ops_fops);
}
