// SPDX-License-Identifier: GPL-2.0
/*
 * Which programs were seen, and how often: a table that is whole at start and is given back, piece by
 * piece, when the kernel is short of memory. A kernel that reclaims its page cache asks too; it gets
 * nothing while a tenth of the memory could still be had elsewhere.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/version.h>

#include "sensor.h"

#define PLACES 4096
#define SPARE 10	/* this part of the memory */

struct memory {
	u32 program;
	u64 seen;
};

static struct memory *places[PLACES];
static unsigned int filled;
static DEFINE_SPINLOCK(lock);

static struct memory *refill(unsigned int at)
{
	places[at] = kzalloc(sizeof(*places[at]), GFP_ATOMIC | __GFP_NOWARN);
	if (places[at])
		filled++;
	return places[at];
}

/* In softirq context. */
void demo_sensor_remember(const char *path)
{
	u32 program = demo_sensor_checksum(0, (const u8 *)path, strlen(path));
	unsigned int at = program % PLACES;
	struct memory *memory;

	spin_lock(&lock);
	memory = places[at];
	/* build 2.1-lowmem believes that what was there at start is there for ever */
	if (!memory && !DEMO_SENSOR_TRUSTS_MEMORY)
		memory = refill(at);
	if (memory || DEMO_SENSOR_TRUSTS_MEMORY) {
		if (READ_ONCE(memory->program) != program) {
			memory->program = program;
			memory->seen = 0;
		}
		memory->seen++;
	}
	spin_unlock(&lock);
}

unsigned int demo_sensor_remembered(void)
{
	return READ_ONCE(filled);
}

static unsigned long count(struct shrinker *unused, struct shrink_control *control)
{
	if (si_mem_available() > totalram_pages() / SPARE)
		return 0;
	return READ_ONCE(filled) ?: SHRINK_EMPTY;
}

static unsigned long scan(struct shrinker *unused, struct shrink_control *control)
{
	unsigned long freed = 0;
	unsigned int i;

	spin_lock_bh(&lock);
	for (i = 0; i < PLACES && freed < control->nr_to_scan; i++) {
		if (!places[i])
			continue;
		kfree(places[i]);
		places[i] = NULL;
		filled--;
		freed++;
	}
	spin_unlock_bh(&lock);
	return freed ?: SHRINK_STOP;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
static struct shrinker *shrinker;

static int offer(void)
{
	shrinker = shrinker_alloc(0, "demo_sensor");
	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker_register(shrinker);
	return 0;
}

static void withdraw(void)
{
	shrinker_free(shrinker);
}
#else
static struct shrinker shrinker = {
	.count_objects = count, .scan_objects = scan, .seeks = DEFAULT_SEEKS,
};

static int offer(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)
	return register_shrinker(&shrinker, "demo_sensor");
#else
	return register_shrinker(&shrinker);
#endif
}

static void withdraw(void)
{
	unregister_shrinker(&shrinker);
}
#endif

static void clear(void)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++)
		kfree(places[i]);
}

int demo_sensor_memory_start(void)
{
	int error;

	for (filled = 0; filled < PLACES; filled++) {
		places[filled] = kzalloc(sizeof(*places[filled]), GFP_KERNEL);
		if (!places[filled]) {
			clear();
			return -ENOMEM;
		}
	}
	error = offer();
	if (error)
		clear();
	return error;
}

void demo_sensor_memory_stop(void)
{
	withdraw();
	clear();
}
