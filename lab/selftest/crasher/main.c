// SPDX-License-Identifier: GPL-2.0
/*
 *   /proc/lab_crasher   read: the faults of this kernel, one `name what-it-is` a line
 *                       write: one name provokes that fault; ENOENT for a name that is not there
 *   what=NAME           module parameter: provoke it while the module is loaded
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "crasher.h"

static char *what;
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "provoke this fault while the module is loaded");

static const struct crasher_fault *const tables[] = {
	crasher_flow, crasher_memory, crasher_checks, crasher_stalls, crasher_contexts, crasher_screen,
};

unsigned long crasher_number(unsigned long number)
{
	OPTIMIZER_HIDE_VAR(number);
	return number;
}

static const struct crasher_fault *find(const char *name)
{
	const struct crasher_fault *fault;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (fault = tables[i]; fault->name; fault++)
			if (!strcmp(fault->name, name))
				return fault;
	return NULL;
}

static int provoke(const char *name)
{
	const struct crasher_fault *fault = find(name);

	if (!fault)
		return -ENOENT;
	pr_info("lab_crasher: provoking %s\n", fault->name);
	fault->provoke();
	pr_info("lab_crasher: %s is over\n", fault->name);
	return 0;
}

static ssize_t lab_crasher_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	char name[40];
	int error;

	if (!size || size >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, from, size))
		return -EFAULT;
	name[size] = '\0';
	error = provoke(strim(name));
	return error ? error : size;
}

static int list_show(struct seq_file *out, void *unused)
{
	const struct crasher_fault *fault;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (fault = tables[i]; fault->name; fault++)
			seq_printf(out, "%s %s\n", fault->name, fault->what);
	return 0;
}

static int list_open(struct inode *inode, struct file *file)
{
	return single_open(file, list_show, NULL);
}

static const struct proc_ops operations = {
	.proc_open = list_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = lab_crasher_write,
};

static int __init lab_crasher_init(void)
{
	if (what)
		return provoke(what);
	if (!proc_create("lab_crasher", 0600, NULL, &operations))
		return -ENOMEM;
	return 0;
}

/* A guest that was crashed is thrown away: there is no way back, hence no exit function. */
module_init(lab_crasher_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("brings the kernel down in a chosen way");
