// SPDX-License-Identifier: GPL-2.0
/*
 * demo_sensor: the worked example of an agent under test. Not a security product.
 *
 *   /proc/demo_sensor/content   write one whole content file; EBADMSG when it is refused
 *   /proc/demo_sensor/status    key=value lines, see README.md
 *   /proc/demo_sensor/reports   one line per event for the service (reports.c), from build 2.0
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sensor.h"

static DEFINE_MUTEX(loading);
static struct demo_sensor_content __rcu *in_force;
static char refused[192];
static atomic64_t events = ATOMIC64_INIT(0);
static atomic64_t matches = ATOMIC64_INIT(0);
static atomic64_t logged = ATOMIC64_INIT(0);
static atomic64_t late = ATOMIC64_INIT(0);
static struct proc_dir_entry *directory;

static bool log_matches;
module_param(log_matches, bool, 0644);
MODULE_PARM_DESC(log_matches, "write a line to the kernel log for each match");

static bool exec_events = true;

static int set_exec_events(const char *text, const struct kernel_param *parameter)
{
	int error = param_set_bool(text, parameter);

	if (!error)
		demo_sensor_events_watch(exec_events);
	return error;
}

static const struct kernel_param_ops exec_events_ops = {
	.set = set_exec_events,
	.get = param_get_bool,
};
module_param_cb(exec_events, &exec_events_ops, &exec_events, 0644);
MODULE_PARM_DESC(exec_events, "watch programs being started");

/*
 * Events come in the order of time. One that is older than the last is a late copy and is let go. Build
 * 2.1-wrap has 32 bits for the time: after 49.7 days of uptime every event is older than the last.
 */
static bool is_late(const struct demo_sensor_event *event)
{
	static demo_sensor_ms last;	/* the tasklet runs on one processor at a time */

	if (event->at_ms < last)
		return true;
	last = event->at_ms;
	return false;
}

void demo_sensor_evaluate(const struct demo_sensor_event *event)
{
	const struct demo_sensor_content *content;
	bool matched;

	if (is_late(event)) {
		atomic64_inc(&late);
		return;
	}
	atomic64_inc(&events);
	rcu_read_lock();
	content = rcu_dereference(in_force);
	matched = content && demo_sensor_match(content, event->inputs);
	if (matched) {
		atomic64_inc(&matches);
		if (log_matches) {
			atomic64_inc(&logged);
			pr_info("demo_sensor: content %u matches %s\n", content->id, event->inputs[1]);
		}
	}
	rcu_read_unlock();
	if (DEMO_SENSOR_GENERATION >= 2) {
		demo_sensor_remember(event->inputs[1]);
		demo_sensor_report(event, matched);
	}
}

/* Takes the content into force; `matches` starts again so that the count is this content's own. */
static void take(struct demo_sensor_content *content)
{
	struct demo_sensor_content *old = rcu_dereference_protected(in_force, lockdep_is_held(&loading));

	if (!old || old->id != content->id)
		refused[0] = '\0';
	atomic64_set(&matches, 0);
	rcu_assign_pointer(in_force, content);
	synchronize_rcu();
	kfree(old);
	pr_info("demo_sensor: build %s has loaded content %u (%u fields)\n",
		DEMO_SENSOR_BUILD, content->id, content->count);
}

static ssize_t content_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	struct demo_sensor_content *content;
	ssize_t result = size;
	bool checked;
	u8 *bytes;

	if (*at || !size || size > DEMO_SENSOR_LARGEST_CONTENT)
		return -EINVAL;
	bytes = memdup_user(from, size);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	mutex_lock(&loading);
	/* build 2.1-torn believes its disk: the first content after a start was checked when it was written */
	checked = !DEMO_SENSOR_WRITES_IN_PLACE || rcu_access_pointer(in_force);
	content = demo_sensor_parse(bytes, size, checked, refused, sizeof(refused));
	if (content) {
		take(content);
	} else {
		pr_warn("demo_sensor: refused: %s\n", refused);
		result = -EBADMSG;
	}
	mutex_unlock(&loading);
	kfree(bytes);
	return result;
}

static int status_show(struct seq_file *out, void *unused)
{
	const struct demo_sensor_content *content;

	mutex_lock(&loading);
	content = rcu_dereference_protected(in_force, lockdep_is_held(&loading));
	seq_printf(out, "build=%s\n", DEMO_SENSOR_BUILD);
	if (content)
		seq_printf(out, "content=%u\nloaded=yes\nfields=%u\n", content->id, content->count);
	else
		seq_puts(out, "content=\nloaded=no\nfields=0\n");
	seq_printf(out, "inputs=%d\n", DEMO_SENSOR_INPUTS);
	seq_printf(out, "events=%lld\n", (long long)atomic64_read(&events));
	seq_printf(out, "matches=%lld\n", (long long)atomic64_read(&matches));
	seq_printf(out, "dropped=%llu\n", (unsigned long long)demo_sensor_events_dropped());
	seq_printf(out, "logged=%lld\n", (long long)atomic64_read(&logged));
	seq_printf(out, "late=%lld\n", (long long)atomic64_read(&late));
	seq_printf(out, "opens=%llu\n", (unsigned long long)demo_sensor_opens());
	seq_printf(out, "objects=%ld\n", demo_sensor_records());
	seq_printf(out, "lost=%llu\n", (unsigned long long)demo_sensor_reports_lost());
	seq_printf(out, "remembered=%u\n", demo_sensor_remembered());
	seq_printf(out, "refused=%s\n", refused);
	mutex_unlock(&loading);
	return 0;
}

static const struct proc_ops content_ops = {
	.proc_write = content_write,
};

/* What came with build 2.0. */
static int start_second(void)
{
	int error = demo_sensor_reports_start(directory);

	if (error)
		return error;
	error = demo_sensor_memory_start();
	if (error)
		return error;
	error = demo_sensor_opens_start();
	if (error)
		demo_sensor_memory_stop();
	return error;
}

static void stop_second(void)
{
	demo_sensor_opens_stop();
	demo_sensor_memory_stop();
	demo_sensor_reports_stop();
}

static int __init demo_sensor_init(void)
{
	int error = -ENOMEM;

	directory = proc_mkdir("demo_sensor", NULL);
	if (!directory)
		return error;
	if (!proc_create("content", 0200, directory, &content_ops) ||
	    !proc_create_single("status", 0444, directory, status_show))
		goto remove;
	error = DEMO_SENSOR_GENERATION >= 2 ? start_second() : 0;
	if (error)
		goto remove;
	error = demo_sensor_events_start();
	if (error)
		goto stop;
	demo_sensor_events_watch(exec_events);
	pr_info("demo_sensor: build %s is watching\n", DEMO_SENSOR_BUILD);
	return 0;
stop:
	if (DEMO_SENSOR_GENERATION >= 2)
		stop_second();
remove:
	proc_remove(directory);
	return error;
}

static void __exit demo_sensor_exit(void)
{
	demo_sensor_reports_close();
	proc_remove(directory);
	demo_sensor_events_stop();
	if (DEMO_SENSOR_GENERATION >= 2)
		stop_second();
	kfree(rcu_dereference_protected(in_force, 1));
}

module_init(demo_sensor_init);
module_exit(demo_sensor_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("demo sensor: watches programs being started, as the contents tell it");
MODULE_VERSION(DEMO_SENSOR_BUILD);
