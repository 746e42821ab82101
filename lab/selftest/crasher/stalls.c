// SPDX-License-Identifier: GPL-2.0
/* Processors and tasks that do not get on. */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "crasher.h"

/* Turns in a narrow range of addresses, as a loop without an end does. */
static noinline void spin_s(unsigned long seconds)
{
	u64 until = ktime_get_mono_fast_ns() + seconds * NSEC_PER_SEC;

	while (!seconds || ktime_get_mono_fast_ns() < until)
		cpu_relax();
}

static noinline void lab_crasher_spin(void)
{
	preempt_disable();
	spin_s(30);
	preempt_enable();
}

static noinline void lab_crasher_spin_forever(void)
{
	preempt_disable();
	spin_s(0);
}

static noinline void lab_crasher_irqs_off(void)
{
	local_irq_disable();
	spin_s(0);
}

static int off_and_spin(void *unused)
{
	local_irq_disable();
	spin_s(0);
	return 0;
}

/* Every processor stands still with interrupts off: the kernel itself cannot say a word any more. */
static noinline void lab_crasher_all_off(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct task_struct *task = kthread_create(off_and_spin, NULL, "lab_off/%u", cpu);

		if (IS_ERR(task))
			continue;
		kthread_bind(task, cpu);
		wake_up_process(task);
	}
}

static noinline void lab_crasher_rcu_stall(void)
{
	rcu_read_lock();
	spin_s(30);
	rcu_read_unlock();
}

static DEFINE_SPINLOCK(spinning);

static noinline void lab_crasher_spinlock_twice(void)
{
	spin_lock(&spinning);
	spin_lock(&spinning);
}

static DECLARE_WAIT_QUEUE_HEAD(never);

static noinline void lab_crasher_hang(void)
{
	wait_event(never, crasher_number(0));
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static noinline int lab_crasher_first_second(void *unused)
{
	mutex_lock(&first);
	msleep(200);
	mutex_lock(&second);
	return 0;
}

static noinline int lab_crasher_second_first(void *unused)
{
	mutex_lock(&second);
	msleep(200);
	mutex_lock(&first);
	return 0;
}

static noinline void lab_crasher_deadlock(void)
{
	kthread_run(lab_crasher_first_second, NULL, "lab_first");
	kthread_run(lab_crasher_second_first, NULL, "lab_second");
}

static noinline void lab_crasher_sleep_atomic(void)
{
	preempt_disable();
	msleep(20);
	preempt_enable();
}

static noinline void lab_crasher_sleep_bh(void)
{
	local_bh_disable();
	msleep(20);
	local_bh_enable();
}

static noinline void lab_crasher_sleep_rcu(void)
{
	rcu_read_lock();
	msleep(20);
	rcu_read_unlock();
}

/* Not a fault: a driver that shows where it is. Detectors must leave it alone. */
static noinline void lab_crasher_dump_stack(void)
{
	pr_info("lab_crasher: this is where I am\n");
	dump_stack();
}

const struct crasher_fault crasher_stalls[] = {
	{ "spin", "a processor without preemption for 30 s", lab_crasher_spin },
	{ "spin-forever", "a processor without preemption for ever", lab_crasher_spin_forever },
	{ "irqs-off", "a processor without interrupts for ever", lab_crasher_irqs_off },
	{ "all-off", "every processor without interrupts for ever", lab_crasher_all_off },
	{ "rcu-stall", "an RCU reader of 30 s", lab_crasher_rcu_stall },
	{ "spinlock-twice", "a spin lock taken twice", lab_crasher_spinlock_twice },
	{ "hang", "a task that waits for what never comes", lab_crasher_hang },
	{ "deadlock", "two tasks and two mutexes in opposite order", lab_crasher_deadlock },
	{ "sleep-atomic", "sleep without preemption", lab_crasher_sleep_atomic },
	{ "sleep-bh", "sleep with soft interrupts off", lab_crasher_sleep_bh },
	{ "sleep-rcu", "sleep in an RCU reader", lab_crasher_sleep_rcu },
	{ "dump-stack", "no fault: a stack trace for information", lab_crasher_dump_stack },
	{}
};
