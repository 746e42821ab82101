// SPDX-License-Identifier: GPL-2.0
/* What differs from kernel to kernel, by version. */
#include <linux/kernel.h>
#include <linux/version.h>

#include "sensor.h"

/* Before 6.2 a record is kept smaller. Build 2.1-kernel61 has the first line end one version early. */
#if DEMO_SENSOR_FORGETS_KERNEL_6_1
#define FIRST_LINE_ENDS KERNEL_VERSION(6, 1, 0)
#else
#define FIRST_LINE_ENDS KERNEL_VERSION(6, 2, 0)
#endif

static const struct demo_sensor_kernel kernels[] = {
	{ .from = KERNEL_VERSION(5, 10, 0), .before = FIRST_LINE_ENDS, .path_room = 192 },
	{ .from = KERNEL_VERSION(6, 2, 0), .before = ~0u, .path_room = 256 },
};

/* The line of the kernel this was compiled for; NULL when no line has it. */
const struct demo_sensor_kernel *demo_sensor_kernel(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kernels); i++)
		if (LINUX_VERSION_CODE >= kernels[i].from && LINUX_VERSION_CODE < kernels[i].before)
			return &kernels[i];
	return NULL;
}
