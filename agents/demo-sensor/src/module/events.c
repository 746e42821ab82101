// SPDX-License-Identifier: GPL-2.0
/*
 * Watches programs being started: the sched_process_exec tracepoint fills a ring, a tasklet
 * evaluates it. A fault while evaluating is a fault in softirq context, which no kernel survives
 * ("Fatal exception in interrupt"), as a fault in a boot-start driver on other systems.
 */
#include <linux/atomic.h>
#include <linux/binfmts.h>
#include <linux/cred.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/uidgid.h>
#include <linux/utsname.h>

#include "sensor.h"

#define RING 32

static struct demo_sensor_event ring[RING];
static unsigned int head, tail;
static DEFINE_SPINLOCK(ring_lock);
static u64 sequence;
static atomic64_t dropped = ATOMIC64_INIT(0);
static bool watching;
static struct tracepoint *exec_point;

static void evaluate_ring(struct tasklet_struct *unused);
static DECLARE_TASKLET(evaluator, evaluate_ring);

static void evaluate_ring(struct tasklet_struct *unused)
{
	for (;;) {
		unsigned int at;

		spin_lock(&ring_lock);
		at = tail;
		spin_unlock(&ring_lock);
		if (at == READ_ONCE(head))
			return;
		demo_sensor_evaluate(&ring[at % RING]);
		spin_lock(&ring_lock);
		tail = at + 1;
		spin_unlock(&ring_lock);
	}
}

/* The text of one input, kept in the event; too long a text is cut, which matches nothing. */
static __printf(2, 3) const char *note(struct demo_sensor_event *event, const char *format, ...)
{
	char *text = event->text + event->used;
	va_list args;

	va_start(args, format);
	event->used += vscnprintf(text, sizeof(event->text) - event->used - 1, format, args) + 1;
	va_end(args);
	return text;
}

static void fill(struct demo_sensor_event *event, struct task_struct *task, struct linux_binprm *bprm)
{
	const struct cred *cred = current_cred();
	struct task_struct *parent = rcu_dereference(task->real_parent);
	const char **input = event->inputs;

	event->used = 0;
	event->sequence = ++sequence;
	event->at_ms = ktime_to_ms(ktime_get());
	event->pid_tgid = (u64)task->tgid << 32 | task->pid;

	*input++ = "exec";
	*input++ = note(event, "%.255s", bprm->filename);
	*input++ = note(event, "%.255s", kbasename(bprm->filename));
	*input++ = note(event, "%.255s", bprm->interp);
	*input++ = note(event, "%.15s", task->comm);
	*input++ = note(event, "%d", task->pid);
	*input++ = note(event, "%d", task->tgid);
	*input++ = note(event, "%.15s", parent->comm);
	*input++ = note(event, "%d", parent->tgid);
	*input++ = note(event, "%u", from_kuid(&init_user_ns, cred->uid));
	*input++ = note(event, "%u", from_kgid(&init_user_ns, cred->gid));
	*input++ = note(event, "%u", from_kuid(&init_user_ns, cred->euid));
	*input++ = note(event, "%u", from_kgid(&init_user_ns, cred->egid));
	*input++ = note(event, "%d", bprm->argc);
	*input++ = note(event, "%d", bprm->envc);
	*input++ = note(event, "%d", get_nr_threads(task));
	*input++ = note(event, "%d", raw_smp_processor_id());
	*input++ = note(event, "%.64s", init_utsname()->nodename);
	*input++ = note(event, "%.64s", init_utsname()->release);
	*input++ = note(event, "%llu", event->sequence);
	BUILD_BUG_ON(ARRAY_SIZE(event->inputs) != 20);
}

static void on_exec(void *unused, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	if (!READ_ONCE(watching))
		return;
	spin_lock_bh(&ring_lock);
	if (head - tail >= RING) {
		atomic64_inc(&dropped);
	} else {
		rcu_read_lock();
		fill(&ring[head % RING], task, bprm);
		rcu_read_unlock();
		WRITE_ONCE(head, head + 1);
		tasklet_schedule(&evaluator);
	}
	spin_unlock_bh(&ring_lock);
}

/* sched_process_exec is not exported to modules by name, but the list of tracepoints is. */
static void find_exec(struct tracepoint *point, void *unused)
{
	if (!strcmp(point->name, "sched_process_exec"))
		exec_point = point;
}

int demo_sensor_events_start(void)
{
	for_each_kernel_tracepoint(find_exec, NULL);
	if (!exec_point) {
		pr_err("demo_sensor: this kernel has no tracepoint sched_process_exec\n");
		return -ENOENT;
	}
	return tracepoint_probe_register(exec_point, on_exec, NULL);
}

void demo_sensor_events_stop(void)
{
	tracepoint_probe_unregister(exec_point, on_exec, NULL);
	tracepoint_synchronize_unregister();
	tasklet_kill(&evaluator);
}

void demo_sensor_events_watch(bool on)
{
	WRITE_ONCE(watching, on);
}

u64 demo_sensor_events_dropped(void)
{
	return atomic64_read(&dropped);
}
