// SPDX-License-Identifier: GPL-2.0
/*
 * What the service is told: one record per event, queued until the service reads it from
 *
 *   /proc/demo_sensor/reports   whole lines `SEQUENCE PID MATCHED COMMAND PATH`; waits for the first
 *
 * The service reads when nobody else wants the processor. When it does not keep up, the oldest goes.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "sensor.h"

#define MOST_QUEUED 256
#define LONGEST_LINE 384

struct record {
	struct list_head list;
	u64 sequence;
	u32 pid;
	bool matched;
	char command[16];
	char path[];
};

static LIST_HEAD(queue);
static unsigned int queued;
static DEFINE_SPINLOCK(queue_lock);
static DECLARE_WAIT_QUEUE_HEAD(arrived);
static bool closing;
static atomic_long_t records = ATOMIC_LONG_INIT(0);
static atomic64_t lost = ATOMIC64_INIT(0);

static void release(struct record *record)
{
	kfree(record);
	atomic_long_dec(&records);
}

static struct record *record_of(const struct demo_sensor_event *event, bool matched)
{
	size_t room = READ_ONCE(demo_sensor_kernel()->path_room);
	struct record *record = kmalloc(struct_size(record, path, room), GFP_ATOMIC | __GFP_NOWARN);

	if (!record)
		return NULL;
	atomic_long_inc(&records);
	record->sequence = event->sequence;
	record->pid = event->pid_tgid >> 32;
	record->matched = matched;
	scnprintf(record->command, sizeof(record->command), "%s", event->inputs[4]);
	scnprintf(record->path, room, "%s", event->inputs[1]);
	return record;
}

/* With the lock held. */
static struct record *first(void)
{
	struct record *record = list_first_entry_or_null(&queue, struct record, list);

	if (record) {
		list_del(&record->list);
		queued--;
	}
	return record;
}

static struct record *take(void)
{
	struct record *record;

	spin_lock_bh(&queue_lock);
	record = first();
	spin_unlock_bh(&queue_lock);
	return record;
}

/* In softirq context. */
void demo_sensor_report(const struct demo_sensor_event *event, bool matched)
{
	struct record *record = record_of(event, matched), *oldest = NULL;

	if (!record) {
		atomic64_inc(&lost);
		return;
	}
	spin_lock(&queue_lock);
	if (queued >= MOST_QUEUED)
		/* build 2.1-deadlock takes the lock again: nobody ever saw the queue full */
		oldest = DEMO_SENSOR_LOCKS_TWICE ? take() : first();
	list_add_tail(&record->list, &queue);
	queued++;
	spin_unlock(&queue_lock);
	if (oldest) {
		release(oldest);
		atomic64_inc(&lost);
	}
	wake_up_interruptible(&arrived);
}

static ssize_t reports_read(struct file *file, char __user *to, size_t room, loff_t *at)
{
	char line[LONGEST_LINE];
	size_t done = 0;

	if (room < sizeof(line))
		return -EINVAL;
	if (wait_event_interruptible(arrived, READ_ONCE(queued) || READ_ONCE(closing)))
		return -ERESTARTSYS;
	while (room - done >= sizeof(line)) {
		struct record *record = take();
		int size;

		if (!record)
			break;
		size = scnprintf(line, sizeof(line), "%llu %u %d %s %s\n", record->sequence, record->pid,
				 record->matched, record->command, record->path);
		if (!DEMO_SENSOR_LEAKS_RECORDS)
			release(record);
		if (copy_to_user(to + done, line, size))
			return -EFAULT;
		done += size;
	}
	return done;
}

static const struct proc_ops reports_ops = {
	.proc_read = reports_read,
};

int demo_sensor_reports_start(struct proc_dir_entry *directory)
{
	return proc_create("reports", 0400, directory, &reports_ops) ? 0 : -ENOMEM;
}

void demo_sensor_reports_close(void)
{
	WRITE_ONCE(closing, true);
	wake_up_interruptible_all(&arrived);
}

void demo_sensor_reports_stop(void)
{
	struct record *record;

	while ((record = take()))
		release(record);
}

long demo_sensor_records(void)
{
	return atomic_long_read(&records);
}

u64 demo_sensor_reports_lost(void)
{
	return atomic64_read(&lost);
}
