// SPDX-License-Identifier: GPL-2.0
/*
 * wqtruth: drives workqueues through scripted scenarios and keeps a log of its own of what
 * happened, against which a profiler of workqueues can be held.
 *
 *   echo NAME  > /sys/kernel/debug/wqtruth/run     run one scenario, to its end
 *   echo reset > /sys/kernel/debug/wqtruth/run     forget the log
 *   cat /sys/kernel/debug/wqtruth/truth            one CSV row per queue attempt
 *   cat /sys/kernel/debug/wqtruth/ops              flushes, cancels, drains
 *   cat /sys/kernel/debug/wqtruth/list             names of the scenarios
 *
 * The stamps bracket what ftrace must report:
 *   q0 <= workqueue_queue_work <= q1        (not for delayed works, and those of RCU)
 *   workqueue_execute_start <= start, end <= workqueue_execute_end
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "wqtruth.h"

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("workqueue scenarios with a log of ground truth");

static DEFINE_MUTEX(run_mutex);
static struct dentry *dir;

static const struct scenario *find(const char *name)
{
	const struct scenario *s;

	for (s = scenarios; s->name; s++)
		if (!strcmp(name, s->name))
			return s;
	for (s = interferences; s->name; s++)
		if (!strcmp(name, s->name))
			return s;
	return NULL;
}

static ssize_t run_write(struct file *f, const char __user *buf, size_t n, loff_t *pos)
{
	const struct scenario *s;
	char text[32] = "", *name;

	if (n == 0 || n >= sizeof(text) || copy_from_user(text, buf, n))
		return -EINVAL;
	name = strim(text);
	s = find(name);
	if (!s && strcmp(name, "reset"))
		return -EINVAL;
	mutex_lock(&run_mutex);
	if (s) {
		scenario = s->name;
		s->run();
		scenario = "none";
	} else {
		items_reset();
		log_reset();
	}
	mutex_unlock(&run_mutex);
	return n;
}

static const struct file_operations run_fops = { .owner = THIS_MODULE, .write = run_write };

static int list_show(struct seq_file *m, void *v)
{
	const struct scenario *s;

	for (s = scenarios; s->name; s++)
		seq_printf(m, "%s\n", s->name);
	for (s = interferences; s->name; s++)
		seq_printf(m, "%s\n", s->name);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(list);

static int __init wqtruth_init(void)
{
	int error = log_init();

	if (!error)
		error = workqueues_init();
	if (error) {
		log_exit();
		return error;
	}
	dir = debugfs_create_dir("wqtruth", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("list", 0400, dir, NULL, &list_fops);
	log_files(dir);
	return 0;
}

static void __exit wqtruth_exit(void)
{
	debugfs_remove_recursive(dir);
	workqueues_exit();
	items_reset();
	log_exit();
}

module_init(wqtruth_init);
module_exit(wqtruth_exit);
