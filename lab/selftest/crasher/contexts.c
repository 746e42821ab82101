// SPDX-License-Identifier: GPL-2.0
/* The same fault in every kind of place where kernel code runs. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "crasher.h"

static noinline void lab_crasher_fault(void)
{
	volatile int *nothing = (int *)crasher_number(0x48);

	*nothing = 1;
}

static void fault_in_irq(struct irq_work *work)
{
	lab_crasher_fault();
}

static noinline void lab_crasher_irq(void)
{
	static struct irq_work work;

	init_irq_work(&work, fault_in_irq);
	irq_work_queue(&work);
	mdelay(200);
}

static void panic_in_irq(struct irq_work *work)
{
	panic("lab_crasher: asked to panic in an interrupt");
}

static noinline void lab_crasher_panic_irq(void)
{
	static struct irq_work work;

	init_irq_work(&work, panic_in_irq);
	irq_work_queue(&work);
	mdelay(200);
}

static void fault_in_timer(struct timer_list *timer)
{
	lab_crasher_fault();
}

static DEFINE_TIMER(timer, fault_in_timer);

static noinline void lab_crasher_timer(void)
{
	mod_timer(&timer, jiffies + 2);
	msleep(500);
}

static void leak_in_timer(struct timer_list *timer)
{
	preempt_disable();
}

static DEFINE_TIMER(leaking, leak_in_timer);

static noinline void lab_crasher_timer_leak(void)
{
	mod_timer(&leaking, jiffies + 2);
	msleep(500);
}

static void fault_in_work(struct work_struct *work)
{
	lab_crasher_fault();
}

static DECLARE_WORK(faulty_work, fault_in_work);

static noinline void lab_crasher_work(void)
{
	schedule_work(&faulty_work);
	msleep(500);
}

static void leak_in_work(struct work_struct *work)
{
	preempt_disable();
}

static DECLARE_WORK(leaking_work, leak_in_work);

static noinline void lab_crasher_work_leak(void)
{
	schedule_work(&leaking_work);
	msleep(500);
}

static int fault_in_thread(void *unused)
{
	lab_crasher_fault();
	return 0;
}

static noinline void lab_crasher_kthread(void)
{
	kthread_run(fault_in_thread, NULL, "lab_thread");
	msleep(500);
}

static void fault_in_rcu(struct rcu_head *head)
{
	lab_crasher_fault();
}

static noinline void lab_crasher_rcu(void)
{
	static struct rcu_head head;

	call_rcu(&head, fault_in_rcu);
	msleep(3000);
}

static DEFINE_SPINLOCK(held);

static noinline void lab_crasher_locked(void)
{
	spin_lock(&held);
	lab_crasher_fault();
	spin_unlock(&held);
}

const struct crasher_fault crasher_contexts[] = {
	{ "irq", "a fault in an interrupt", lab_crasher_irq },
	{ "panic-irq", "a panic in an interrupt", lab_crasher_panic_irq },
	{ "timer", "a fault in a timer", lab_crasher_timer },
	{ "timer-leak", "a timer that leaves preemption off", lab_crasher_timer_leak },
	{ "work", "a fault in a work item", lab_crasher_work },
	{ "work-leak", "a work item that leaves preemption off", lab_crasher_work_leak },
	{ "kthread", "a fault in a kernel thread", lab_crasher_kthread },
	{ "rcu", "a fault in an RCU callback", lab_crasher_rcu },
	{ "locked", "a fault with a spin lock held", lab_crasher_locked },
	{}
};
