// SPDX-License-Identifier: GPL-2.0
/*
 * No fault: a text console on QEMU's standard VGA, so that a crash can be seen on the screen. A kernel that
 * QEMU starts directly is told of no display, and a small image has no driver for it.
 *
 * Sources: QEMU docs/specs/standard-vga.rst (dispi registers, framebuffer in BAR 0), and the kernel's own
 * simple-framebuffer driver, which takes its geometry from the platform device.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/platform_data/simplefb.h>
#include <linux/platform_device.h>

#include "crasher.h"

#define WIDTH 1024
#define HEIGHT 768

static void dispi(u16 which, u16 value)
{
	outw(which, 0x1ce);
	outw(value, 0x1cf);
}

static void lab_crasher_screen(void)
{
	struct pci_dev *card = pci_get_device(0x1234, 0x1111, NULL);
	struct simplefb_platform_data shape = {
		.width = WIDTH, .height = HEIGHT, .stride = WIDTH * 4, .format = "x8r8g8b8",
	};
	struct resource memory = { .name = "lab_crasher screen", .flags = IORESOURCE_MEM };
	struct platform_device *screen;

	if (!card) {
		pr_err("lab_crasher: no standard VGA here\n");
		return;
	}
	dispi(4, 0); /* off */
	dispi(1, WIDTH);
	dispi(2, HEIGHT);
	dispi(3, 32); /* bits per pixel */
	dispi(4, 0x41); /* on, linear framebuffer */
	memory.start = pci_resource_start(card, 0);
	memory.end = memory.start + WIDTH * HEIGHT * 4 - 1;
	screen = platform_device_register_resndata(NULL, "simple-framebuffer", 0, &memory, 1, &shape, sizeof(shape));
	if (IS_ERR(screen))
		pr_err("lab_crasher: no screen: %ld\n", PTR_ERR(screen));
	pci_dev_put(card);
}

const struct crasher_fault crasher_screen[] = {
	{ "screen", "no fault: the console on the screen of QEMU's standard VGA", lab_crasher_screen },
	{}
};
