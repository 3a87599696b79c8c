// SPDX-License-Identifier: GPL-2.0
/* The workqueues that works are queued on: one of each kind, and some of the system's. */
#include <linux/printk.h>

#include "wqtruth.h"

#ifdef HAVE_WQ_PERCPU
#define SYS_PERCPU_WQ system_percpu_wq
#define SYS_UNBOUND_WQ system_dfl_wq
#else
#define SYS_PERCPU_WQ system_wq
#define SYS_UNBOUND_WQ system_unbound_wq
#endif

struct wqdef wqs[W_COUNT] = {
	[W_BOUND]   = { "wqt_bound", BOUND },
	[W_VICTIM]  = { "wqt_victim", BOUND },
	[W_UNBOUND] = { "wqt_unbound", WQ_UNBOUND, 32 },
	[W_HIGH]    = { "wqt_high", WQ_HIGHPRI | BOUND },
	[W_CPUINT]  = { "wqt_cpuint", WQ_CPU_INTENSIVE | BOUND },
	[W_MEM]     = { "wqt_mem", WQ_MEM_RECLAIM | BOUND },
	[W_DELAYED] = { "wqt_delayed", BOUND },
	[W_FREEZ]   = { "wqt_freez", WQ_FREEZABLE | BOUND },
	[W_SYSFS]   = { "wqt_sysfs", WQ_UNBOUND | WQ_SYSFS },
	[W_POWER]   = { "wqt_power", WQ_POWER_EFFICIENT | BOUND },
	[W_MAX1]    = { "wqt_max1", BOUND, 1 },
	[W_LONG]    = { "wqt_a_very_long_name_beyond_twentyfour_and_even_32", BOUND },
	[W_LONGEST] = { "wqt_name_of_thirty_one_letters_", BOUND },
	[W_ODD]     = { "wqt-odd/a b=1,%d", BOUND },
	[W_TWIN]    = { "wqt_twin", BOUND, 1 },
	[W_TWIN2]   = { "wqt_twin", WQ_UNBOUND },
	[W_ORDERED] = { "wqt_ordered", WQ_UNBOUND, -1 },
	[W_STALL]   = { "wqt_stall", WQ_UNBOUND | WQ_MEM_RECLAIM, -1 },
	[W_BH]      = { "wqt_bh" },
	[W_BH_HI]   = { "wqt_bh_hi" },
	[W_SYS]     = { "events" },
	[W_SYS_HIGH] = { "events_highpri" },
	[W_SYS_UNBOUND] = { "events_unbound" },
	[W_SYS_LONG] = { "events_long" },
};

static void make_bottom_half_ones(void)
{
#ifdef HAVE_WQ_BH
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	unsigned int flags = WQ_BH | WQ_PERCPU;
#else
	unsigned int flags = WQ_BH;
#endif

	wqs[W_BH].wq = alloc_workqueue("%s", flags, 0, wqs[W_BH].name);
	wqs[W_BH_HI].wq = alloc_workqueue("%s", flags | WQ_HIGHPRI, 0, wqs[W_BH_HI].name);
#endif
}

void workqueues_exit(void)
{
	int w;

	for (w = 0; w < W_SYS; w++)
		if (wqs[w].wq)
			destroy_workqueue(wqs[w].wq);
}

int workqueues_init(void)
{
	int w;

	for (w = 0; w < W_OWN_END; w++) {
		struct wqdef *d = &wqs[w];

		d->wq = d->max_active < 0 ?
				alloc_ordered_workqueue("%s", d->flags & WQ_MEM_RECLAIM, d->name) :
				alloc_workqueue("%s", d->flags, d->max_active, d->name);
		if (!d->wq) {
			workqueues_exit();
			return -ENOMEM;
		}
	}
	make_bottom_half_ones();
	wqs[W_SYS].wq = SYS_PERCPU_WQ;
	wqs[W_SYS_HIGH].wq = system_highpri_wq;
	wqs[W_SYS_UNBOUND].wq = SYS_UNBOUND_WQ;
	wqs[W_SYS_LONG].wq = system_long_wq;
	return 0;
}
