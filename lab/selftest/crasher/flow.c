// SPDX-License-Identifier: GPL-2.0
/* Panics, BUG(), WARN() and processor exceptions. */
#include <linux/bug.h>
#include <linux/notifier.h>
#if __has_include(<linux/panic_notifier.h>) /* since Linux 5.14 */
#include <linux/panic_notifier.h>
#endif
#include <linux/reboot.h>
#include <linux/slab.h>

#include <asm/desc.h>

#include "crasher.h"

static noinline void lab_crasher_panic(void)
{
	panic("lab_crasher: asked to panic");
}

static noinline void lab_crasher_bug(void)
{
	BUG();
}

static noinline void lab_crasher_warn(void)
{
	WARN_ON(crasher_number(1));
}

static noinline void lab_crasher_warn_text(void)
{
	WARN(1, "lab_crasher: %lu sheep were counted, %lu were wanted\n", crasher_number(41), crasher_number(42));
}

/* Not BUG(): there is no entry for it in the kernel's table of bugs. */
static noinline void lab_crasher_invalid_opcode(void)
{
	asm volatile(".byte 0x0f, 0xff"); /* ud0 */
}

static noinline void lab_crasher_divide(void)
{
	unsigned int low = 1, high = 0;

	asm volatile("divl %2" : "+a"(low), "+d"(high) : "r"((unsigned int)crasher_number(0)));
}

static noinline void lab_crasher_int3(void)
{
	asm volatile("int3");
}

static noinline void lab_crasher_gpf(void)
{
	volatile int *wild = (int *)crasher_number(0xdead4ead00000000UL);

	*wild = 1;
}

static noinline void lab_crasher_null_read(void)
{
	volatile int *nothing = (int *)crasher_number(0x20);

	pr_info("%d\n", *nothing);
}

static noinline void lab_crasher_null_write(void)
{
	volatile int *nothing = (int *)crasher_number(0);

	*nothing = 1;
}

static noinline void lab_crasher_null_call(void)
{
	void (*nothing)(void) = (void (*)(void))crasher_number(0);

	nothing();
	barrier();
}

static noinline void lab_crasher_wild_read(void)
{
	volatile int *wild = (int *)crasher_number(0xffffc8ff00000123UL);

	pr_info("%d\n", *wild);
}

static noinline void lab_crasher_wild_call(void)
{
	void (*wild)(void) = (void (*)(void))crasher_number(0xffffc8ff00000120UL);

	wild();
	barrier();
}

static noinline void lab_crasher_exec_data(void)
{
	void (*data)(void) = kmalloc(64, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(data);
	data();
	barrier();
}

/* Without an interrupt table the next exception is a triple fault, which resets the processor. */
static noinline void lab_crasher_triple_fault(void)
{
	struct desc_ptr none = { 0 };

	asm volatile("lidt %0; int3" : : "m"(none));
}

static noinline void lab_crasher_reset(void)
{
	emergency_restart();
}

static int faulty(struct notifier_block *block, unsigned long event, void *text)
{
	lab_crasher_null_write();
	return NOTIFY_DONE;
}

static struct notifier_block faulty_notifier = { .notifier_call = faulty };

static noinline void lab_crasher_nested(void)
{
	atomic_notifier_chain_register(&panic_notifier_list, &faulty_notifier);
	panic("lab_crasher: the first of two");
}

const struct crasher_fault crasher_flow[] = {
	{ "panic", "a call of panic()", lab_crasher_panic },
	{ "bug", "BUG()", lab_crasher_bug },
	{ "warn", "WARN_ON()", lab_crasher_warn },
	{ "warn-text", "WARN() with a text", lab_crasher_warn_text },
	{ "invalid-opcode", "an instruction that is none", lab_crasher_invalid_opcode },
	{ "divide", "division by zero", lab_crasher_divide },
	{ "int3", "a break point that nobody set", lab_crasher_int3 },
	{ "gpf", "a write to a non-canonical address", lab_crasher_gpf },
	{ "null-read", "a read near address 0", lab_crasher_null_read },
	{ "null-write", "a write to address 0", lab_crasher_null_write },
	{ "null-call", "a call of address 0", lab_crasher_null_call },
	{ "wild-read", "a read of an unmapped address", lab_crasher_wild_read },
	{ "wild-call", "a call of an unmapped address", lab_crasher_wild_call },
	{ "exec-data", "a call into data", lab_crasher_exec_data },
	{ "triple-fault", "a reset by triple fault, without a word", lab_crasher_triple_fault },
	{ "reset", "an emergency restart", lab_crasher_reset },
	{ "nested", "a panic with an oops in it", lab_crasher_nested },
	{}
};
