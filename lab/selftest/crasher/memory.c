// SPDX-License-Identifier: GPL-2.0
/* Memory that is used when it must not be, and memory that runs out. */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#ifdef CONFIG_KFENCE
#include <linux/kfence.h>
#endif

#include "crasher.h"

#define SIZE 64

static const char constant[SIZE] = "this cannot be changed";

static noinline void lab_crasher_write_constant(void)
{
	volatile char *text = (char *)crasher_number((unsigned long)constant);

	*text = 'T';
}

/* 64 bytes of the kernel's own memory, and no questions asked by the compiler. */
static volatile u8 *grab(void)
{
	u8 *bytes = kmalloc(SIZE, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(bytes);
	return bytes;
}

static noinline void lab_crasher_double_free(void)
{
	volatile u8 *bytes = grab();

	kfree((void *)bytes);
	kfree((void *)bytes);
}

static noinline void lab_crasher_write_freed(void)
{
	volatile u8 *bytes = grab();
	int i;

	kfree((void *)bytes);
	bytes[16] = 0xa5;
	for (i = 0; i < 4000; i++) /* somebody gets it again, and it is looked at */
		grab();
}

static noinline void lab_crasher_read_freed(void)
{
	void *volatile *bytes = (void *volatile *)grab();

	kfree((void *)bytes);
	pr_info("%d\n", *(volatile int *)bytes[2]); /* poison: 0x6b6b6b6b6b6b6b6b */
}

static noinline void lab_crasher_overflow(void)
{
	volatile u8 *bytes = grab();

	bytes[crasher_number(SIZE)] = 0xa5;
	kfree((void *)bytes);
}

static noinline void lab_crasher_free_stranger(void)
{
	volatile u8 *bytes = grab();

	kfree((void *)(bytes + crasher_number(8)));
}

#ifdef CONFIG_KFENCE
/* KFENCE guards one allocation in many. */
static volatile u8 *guarded(void)
{
	unsigned long until = jiffies + 60 * HZ;
	volatile u8 *bytes;

	while (time_before(jiffies, until)) {
		bytes = grab();
		if (is_kfence_address((void *)bytes))
			return bytes;
		kfree((void *)bytes);
		cond_resched();
	}
	return NULL;
}

static noinline void lab_crasher_kfence_read(void)
{
	volatile u8 *bytes = guarded();

	if (bytes)
		pr_info("%d\n", bytes[crasher_number(PAGE_SIZE)]);
}

static noinline void lab_crasher_kfence_freed(void)
{
	volatile u8 *bytes = guarded();

	if (!bytes)
		return;
	kfree((void *)bytes);
	bytes[crasher_number(8)] = 1;
}

static noinline void lab_crasher_kfence_free(void)
{
	volatile u8 *bytes = guarded();

	if (!bytes)
		return;
	kfree((void *)bytes);
	kfree((void *)bytes);
}
#endif

static noinline void lab_crasher_usercopy(void)
{
	volatile u8 *bytes = grab();
	unsigned long to = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, 0);

	if (copy_to_user((void __user *)to, (void *)bytes, crasher_number(4 * SIZE)))
		pr_info("lab_crasher: nothing was copied\n");
}

struct pair {
	char first[16];
	char second[48];
};

static noinline void lab_crasher_fortify(void)
{
	struct pair *pair = kmalloc(sizeof(*pair), GFP_KERNEL);
	char text[128] = { 0 };

	memcpy(pair, text, crasher_number(sizeof(text)));
	pr_info("%s\n", pair->first);
}

static noinline void lab_crasher_field_span(void)
{
	struct pair *pair = kmalloc(sizeof(*pair), GFP_KERNEL);
	char text[32] = { 0 };

	memcpy(pair->first, text, crasher_number(sizeof(text)));
	pr_info("%s\n", pair->second);
}

static noinline int deeper(int level)
{
	volatile char room[512];

	room[level % sizeof(room)] = level;
	if (crasher_number(level) < 1000000)
		return deeper(level + 1) + room[level % sizeof(room)];
	return 0;
}

static noinline void lab_crasher_stack_overflow(void)
{
	pr_info("%d\n", deeper(0));
}

static noinline void lab_crasher_stack_smash(void)
{
	char room[16];
	volatile char *at = room;
	unsigned long i, many = crasher_number(96);

	OPTIMIZER_HIDE_VAR(at);
	for (i = 0; i < many; i++)
		at[i] = 'x';
}

static noinline void lab_crasher_bad_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	SetPageReserved(page);
	__free_page(page);
}

/* Leaks until it is killed; the kernel then kills everybody else in vain. */
static noinline void lab_crasher_oom(void)
{
	while (alloc_page(GFP_KERNEL) && !fatal_signal_pending(current))
		cond_resched();
}

/* Leaks for ever, from a thread that nobody can kill. */
static noinline void lab_crasher_alloc_failure(void)
{
	while (alloc_pages(GFP_KERNEL | __GFP_NORETRY, 9))
		cond_resched();
}

static noinline void lab_crasher_alloc_huge(void)
{
	kfree(kmalloc(crasher_number(1UL << 32), GFP_KERNEL));
}

static noinline void lab_crasher_vmalloc_huge(void)
{
	vfree(vmalloc(crasher_number(1UL << 44)));
}

static void make_object(void *object)
{
}

static noinline void lab_crasher_cache_leak(void)
{
	struct kmem_cache *cache = kmem_cache_create("lab_crasher", 200, 0, 0, make_object);

	if (kmem_cache_alloc(cache, GFP_KERNEL))
		kmem_cache_destroy(cache);
}

const struct crasher_fault crasher_memory[] = {
	{ "write-constant", "a write to read-only memory", lab_crasher_write_constant },
	{ "double-free", "memory freed twice", lab_crasher_double_free },
	{ "write-freed", "a write to freed memory (slub_debug=FZP)", lab_crasher_write_freed },
	{ "read-freed", "a pointer read from freed memory (slub_debug=FZP)", lab_crasher_read_freed },
	{ "overflow", "a byte written behind an object (slub_debug=FZP)", lab_crasher_overflow },
	{ "free-stranger", "memory freed from its middle", lab_crasher_free_stranger },
#ifdef CONFIG_KFENCE
	{ "kfence-read", "a read out of bounds (kfence.sample_interval=)", lab_crasher_kfence_read },
	{ "kfence-freed", "a write after free (kfence.sample_interval=)", lab_crasher_kfence_freed },
	{ "kfence-free", "an invalid free (kfence.sample_interval=)", lab_crasher_kfence_free },
#endif
	{ "usercopy", "more copied to user space than there is", lab_crasher_usercopy },
	{ "fortify", "a memcpy that is too long", lab_crasher_fortify },
	{ "field-span", "a memcpy across members", lab_crasher_field_span },
	{ "stack-overflow", "recursion without end", lab_crasher_stack_overflow },
	{ "stack-smash", "a local array written beyond its end", lab_crasher_stack_smash },
	{ "bad-page", "a page freed in a wrong state (page_poison=1)", lab_crasher_bad_page },
	{ "oom", "a leak until memory is out", lab_crasher_oom },
	{ "alloc-failure", "a large allocation that fails", lab_crasher_alloc_failure },
	{ "alloc-huge", "an allocation beyond all measure", lab_crasher_alloc_huge },
	{ "vmalloc-huge", "a vmalloc beyond all measure", lab_crasher_vmalloc_huge },
	{ "cache-leak", "a slab cache destroyed with an object in it", lab_crasher_cache_leak },
	{}
};
