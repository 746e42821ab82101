// SPDX-License-Identifier: GPL-2.0
/* What the kernel's own checks of data structures find. */
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/proc_fs.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>

#include "crasher.h"

static noinline void lab_crasher_list_add(void)
{
	static LIST_HEAD(head);
	static struct list_head one, other;

	list_add(&one, &head);
	one.prev = &other;
	head.next = &other;
	list_add(&other, &head);
	list_add(&one, &head);
}

static noinline void lab_crasher_list_del(void)
{
	static LIST_HEAD(head);
	static struct list_head one;

	list_add(&one, &head);
	list_del(&one);
	list_del(&one);
}

static noinline void lab_crasher_refcount_underflow(void)
{
	refcount_t count = REFCOUNT_INIT(1);

	refcount_dec_and_test(&count) ? refcount_sub_and_test(crasher_number(1), &count) : 0;
}

static noinline void lab_crasher_refcount_zero(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static noinline void lab_crasher_kobject(void)
{
	static struct kobject object;

	kobject_put(&object);
}

static noinline void lab_crasher_proc_duplicate(void)
{
	proc_mkdir("lab_crasher_twice", NULL);
	proc_mkdir("lab_crasher_twice", NULL);
}

static noinline void lab_crasher_work_uninitialized(void)
{
	static struct work_struct work;

	cancel_work_sync(&work);
}

#ifdef CONFIG_UBSAN_BOUNDS
static noinline void lab_crasher_ubsan_bounds(void)
{
	static volatile int numbers[4];

	pr_info("%d\n", numbers[crasher_number(5)]);
}
#endif

#ifdef CONFIG_UBSAN_SHIFT
static noinline void lab_crasher_ubsan_shift(void)
{
	volatile int one = 1, many = crasher_number(40);

	pr_info("%d\n", one << many);
}
#endif

const struct crasher_fault crasher_checks[] = {
	{ "list-add", "a damaged list", lab_crasher_list_add },
	{ "list-del", "an entry deleted twice", lab_crasher_list_del },
	{ "refcount-underflow", "a reference counter below zero", lab_crasher_refcount_underflow },
	{ "refcount-zero", "a reference taken of what is gone", lab_crasher_refcount_zero },
	{ "kobject", "an object that was never initialised", lab_crasher_kobject },
	{ "proc-duplicate", "a /proc entry registered twice", lab_crasher_proc_duplicate },
	{ "work-uninitialized", "work that was never initialised", lab_crasher_work_uninitialized },
#ifdef CONFIG_UBSAN_BOUNDS
	{ "ubsan-bounds", "an index out of bounds", lab_crasher_ubsan_bounds },
#endif
#ifdef CONFIG_UBSAN_SHIFT
	{ "ubsan-shift", "a shift by too much", lab_crasher_ubsan_shift },
#endif
	{}
};
