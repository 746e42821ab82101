// SPDX-License-Identifier: GPL-2.0
/*
 * Watches files being opened: a probe at security_file_open(), through which every open goes and which
 * has had the same first argument since 4.19. What is looked for is a program or module of the sensor's own.
 */
#include <linux/atomic.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "sensor.h"

/* Rules that build 2.1-slowopen has for opens; each works out the whole path anew. */
#define RULES 48
#define ROOM 256

static const char WATCHED[] = "demo_sensor.ko";
static u32 watched;
static atomic64_t opens = ATOMIC64_INIT(0);
static atomic64_t own = ATOMIC64_INIT(0);
static DEFINE_PER_CPU(char[ROOM], paths);

static void ask_every_rule(const struct file *file)
{
	char *room = *this_cpu_ptr(&paths);	/* a probe is not preempted */
	int rule;

	for (rule = 0; current->fs && rule < RULES; rule++)
		if (IS_ERR(d_path(&file->f_path, room, ROOM)))
			return;
}

static int on_open(struct kprobe *probe, struct pt_regs *regs)
{
	const struct file *file = (const struct file *)regs_get_kernel_argument(regs, 0);
	struct dentry *entry = file->f_path.dentry;
	u32 sum;

	atomic64_inc(&opens);
	if (DEMO_SENSOR_SLOWS_OPENS)
		ask_every_rule(file);
	spin_lock(&entry->d_lock);	/* a rename may exchange the name */
	sum = demo_sensor_checksum(0, entry->d_name.name, entry->d_name.len);
	spin_unlock(&entry->d_lock);
	if (sum == watched)
		atomic64_inc(&own);
	return 0;
}

static struct kprobe point = { .symbol_name = "security_file_open", .pre_handler = on_open };

int demo_sensor_opens_start(void)
{
	int error;

	watched = demo_sensor_checksum(0, (const u8 *)WATCHED, strlen(WATCHED));
	error = register_kprobe(&point);
	if (error)
		pr_err("demo_sensor: cannot watch %s: %d\n", point.symbol_name, error);
	return error;
}

void demo_sensor_opens_stop(void)
{
	unregister_kprobe(&point);
}

u64 demo_sensor_opens(void)
{
	return atomic64_read(&opens);
}
