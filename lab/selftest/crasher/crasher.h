/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lab_crasher: brings its own kernel down in a chosen way, so that the lab can show that it notices.
 * Only for guests that are thrown away.
 */
#ifndef LAB_CRASHER_H
#define LAB_CRASHER_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/printk.h>

struct crasher_fault {
	const char *name;
	/* what a person would call it */
	const char *what;
	void (*provoke)(void);
};

/* One table per file, ended by an empty entry. */
extern const struct crasher_fault crasher_flow[];
extern const struct crasher_fault crasher_memory[];
extern const struct crasher_fault crasher_checks[];
extern const struct crasher_fault crasher_stalls[];
extern const struct crasher_fault crasher_contexts[];
extern const struct crasher_fault crasher_screen[];

/* The compiler knows nothing of what is read through here. */
extern unsigned long crasher_number(unsigned long number);

#endif
