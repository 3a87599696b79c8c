// SPDX-License-Identifier: GPL-2.0
/* Works that log themselves: how they are queued, what they do, how they are waited for. */
#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "wqtruth.h"

static const char *const kind_names[] = {
	"nop", "sleep", "busy", "mutex", "flush", "chain", "recycle",
};
static const char *const how_names[] = { "queue", "queue_on", "delayed", "mod_delayed", "rcu" };

atomic_t budget;
static struct item *items;
static DEFINE_MUTEX(item_mutex);	/* of K_MUTEX */

struct item *item(work_func_t fn, struct wqdef *wq, enum kind kind, u32 us)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL | __GFP_NOFAIL);

	INIT_DELAYED_WORK(&it->dw, fn);
	spin_lock_init(&it->lock);
	it->kind = kind;
	it->us = us;
	it->wq = wq;
	it->next = items;
	items = it;
	return it;
}

void items_reset(void)
{
	struct item *it;

	rcu_barrier();
	while ((it = items)) {
		items = it->next;
		kfree(it);
	}
}

static const char *fn_name(work_func_t fn)
{
#define NAME(f) if (fn == f) return #f;
	WORK_FUNCTIONS(NAME)
	return "?";
}

static void describe(struct inst *in, struct item *it, enum how how, int cpu, u32 delay_ms)
{
	in->wq = it->wq->name;
	in->wq_at = it->wq->wq;
	in->fn = fn_name(it->dw.work.func);
	in->how = how_names[how];
	in->kind = kind_names[it->kind];
	in->run_us = it->us;
	in->work = &it->dw.work;
	in->delay_ms = delay_ms;
	if (how == QUEUE_ON)
		in->req_cpu = cpu;
}

/* True: it was not pending before, or MOD took it back from where it was. */
static bool hand_over(struct item *it, enum how how, int cpu, u32 delay_ms, bool *taken_back)
{
	struct workqueue_struct *wq = it->wq->wq;
	unsigned long delay = msecs_to_jiffies(delay_ms);

	switch (how) {
	case QUEUE:
		return queue_work(wq, &it->dw.work);
	case QUEUE_ON:
		return queue_work_on(cpu, wq, &it->dw.work);
	case DELAYED:
		return queue_delayed_work(wq, &it->dw, delay);
	case BY_RCU:
		return queue_rcu_work(wq, &it->rw);
	case MOD:
		*taken_back = mod_delayed_work(wq, &it->dw, delay);
		return true;
	}
	return false;
}

bool queue(struct item *it, enum how how, int cpu, u32 delay_ms)
{
	struct inst *in = new_inst(), *old, dummy;
	bool taken_back = false, ret;
	unsigned long flags;

	if (!in)
		in = &dummy;
	describe(in, it, how, cpu, delay_ms);
	spin_lock_irqsave(&it->lock, flags);
	old = it->pend;
	it->pend = in == &dummy ? NULL : in;
	in->q0 = now();
	ret = hand_over(it, how, cpu, delay_ms, &taken_back);
	in->q1 = now();
	in->queued = ret;
	if (!ret) {
		in->outcome = ALREADY_PENDING;
		it->pend = old;
	} else if (taken_back && old) {
		old->outcome = MODIFIED;
	} else if (old) {
		it->begun = old;
	}
	spin_unlock_irqrestore(&it->lock, flags);
	return ret;
}

/* Reads the clock now and then only: emulators are slow at that (and at PAUSE). */
void busy(u32 us)
{
	u64 until = now() + (u64)us * 1000;
	int i;

	while (now() < until)
		for (i = 0; i < 300; i++)
			barrier();
}

static void sleep_us(struct inst *in, u32 us)
{
	u64 t = now();

	usleep_range(us, us);
	in->slept += now() - t;
}

static void sleep_with_mutex(struct inst *in, u32 us)
{
	u64 t = now();

	mutex_lock(&item_mutex);
	sleep_us(in, us);
	mutex_unlock(&item_mutex);
	in->slept = now() - t;
}

static void flush_other(struct inst *in, struct item *other, u32 us)
{
	u64 t = now();

	flush_one(other);
	in->slept = now() - t;
	busy(us);
}

/* What a self-freeing work and an allocator do: the address holds another work, queued while this
 * execution still goes on. */
static void become_another(struct inst *in, struct item *it)
{
	INIT_WORK(&it->dw.work, recycled);
	it->kind = K_SLEEP;
	queue(it, QUEUE, 0, 0);
	busy(it->us / 2);
	sleep_us(in, it->us / 2);
}

static void act(struct item *it, struct inst *in, enum kind kind)
{
	switch (kind) {
	case K_NOP:
		break;
	case K_SLEEP:
		sleep_us(in, it->us);
		break;
	case K_BUSY:
		busy(it->us);
		break;
	case K_MUTEX:
		sleep_with_mutex(in, it->us);
		break;
	case K_FLUSH:
		flush_other(in, it->other, it->us);
		break;
	case K_CHAIN:
		busy(it->us);
		queue(it->other, QUEUE, 0, 0);
		break;
	case K_RECYCLE:
		become_another(in, it);
		break;
	}
}

static void queue_again(struct item *it)
{
	if (it->requeues > 0)
		it->requeues--;
	else if (it->requeues == 0 || atomic_dec_return(&budget) < 0)
		return;
	queue(it, QUEUE, 0, 0);
}

/* The attempt that this execution is of: the older one, when the work was queued again since. */
static struct inst *take_attempt(struct item *it)
{
	struct inst *in;
	unsigned long flags;

	spin_lock_irqsave(&it->lock, flags);
	in = it->begun;
	it->begun = NULL;
	if (!in) {
		in = it->pend;
		it->pend = NULL;
	}
	spin_unlock_irqrestore(&it->lock, flags);
	return in;
}

static void begin(struct inst *in, u64 at, int cpu)
{
	in->start = at;
	in->cpu_start = cpu;
	in->pid = current->pid;
	get_task_comm(in->comm, current);
	in->exec = current->se.sum_exec_runtime;
	in->nvcsw = current->nvcsw;
	in->nivcsw = current->nivcsw;
}

static void end(struct inst *in)
{
	in->exec = current->se.sum_exec_runtime - in->exec;
	in->nvcsw = current->nvcsw - in->nvcsw;
	in->nivcsw = current->nivcsw - in->nivcsw;
	in->cpu_end = raw_smp_processor_id();
	in->outcome = EXECUTED;
	in->end = now();
}

static void body(struct work_struct *w)
{
	u64 at = now();
	int cpu = raw_smp_processor_id();	/* now: PREEMPT_RT may migrate us at the lock */
	struct item *it = container_of(w, struct item, dw.work);
	struct inst dummy = {}, *in;
	enum kind kind = it->kind;

	in = take_attempt(it) ?: &dummy;
	begin(in, at, cpu);
	act(it, in, kind);
	if (kind != K_RECYCLE)
		queue_again(it);
	end(in);
}

/* Many functions, one body; the barrier keeps the compiler from folding them into one. */
#define DEFINE(f)                                                                      \
	noinline void f(struct work_struct *w)                                         \
	{                                                                              \
		body(w);                                                               \
		asm volatile("# " #f);                                                 \
	}
WORK_FUNCTIONS(DEFINE)

/* ---- operations that wait ------------------------------------------------ */

bool flush_one(struct item *it)
{
	u64 t0 = now();
	bool ret = flush_work(&it->dw.work);

	log_op("flush_work", it->wq->name, &it->dw.work, t0, now(), ret);
	return ret;
}

void cancel(struct item *it, bool delayed)
{
	struct inst *in = it->pend;
	u64 t0 = now(), t1;
	bool ret = delayed ? cancel_delayed_work_sync(&it->dw) : cancel_work_sync(&it->dw.work);

	t1 = now();
	log_op(delayed ? "cancel_delayed_work_sync" : "cancel_work_sync", it->wq->name, &it->dw.work, t0,
	       t1, ret);
	if (ret && in) {
		in->outcome = CANCELLED;
		in->cancel0 = t0;
		in->cancel1 = t1;
		it->pend = NULL;
	}
}

void flush_wq(int w)
{
	u64 t0 = now();

	flush_workqueue(wqs[w].wq);
	log_op("flush_workqueue", wqs[w].name, NULL, t0, now(), 0);
}

void drain_wq(int w)
{
	u64 t0 = now();

	drain_workqueue(wqs[w].wq);
	log_op("drain_workqueue", wqs[w].name, NULL, t0, now(), 0);
}

struct call {
	struct inst *in;
	u32 us;
};

static long called(void *arg)
{
	struct call *call = arg;

	begin(call->in, now(), raw_smp_processor_id());
	busy(call->us);
	end(call->in);
	return 0;
}

/* The work lies on work_on_cpu()'s stack: its address is not known here. */
void call_on_cpu(int cpu, u32 us)
{
	struct inst dummy = {}, *in = new_inst() ?: &dummy;
	struct call call = { in, us };

	in->wq = wqs[W_SYS].name;
	in->wq_at = wqs[W_SYS].wq;
	in->fn = "work_for_cpu_fn";
	in->how = "on_cpu";
	in->kind = kind_names[K_BUSY];
	in->run_us = us;
	in->req_cpu = cpu;
	in->queued = true;
	in->q0 = now();
	work_on_cpu(cpu, called, &call);
	in->q1 = now();
}
