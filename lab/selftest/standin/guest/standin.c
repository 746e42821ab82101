/* Process 1 of the stand-in guest: shows, says and writes what its script tells it to, and nothing else.
 *
 * A STAND-IN for a Windows guest in the lab's self-test. It paints prepared frames on QEMU's standard VGA,
 * prints prepared text on the first serial port, writes a prepared dump to the second virtio disk, speaks to
 * the panic device, and resets or powers off the way firmware tables tell an operating system to.
 *
 * Sources: QEMU docs/specs/standard-vga.rst (Bochs dispi registers at ports 0x1ce and 0x1cf, framebuffer in
 * BAR 0), docs/specs/pvpanic.rst (port 0x505, bit 0), the reset control register 0xcf9 and the PM1a control
 * register 0x604 of the q35 chipset, as QEMU wires them.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/kd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define HOME "/standin/"
#define BLOCK 65536

static int serial = -1, dump = -1;
static uint32_t *screen;
static size_t pixels;

static void say(const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(serial, text, length);
		if (written < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return;
		}
		text += written;
		length -= written;
	}
	tcdrain(serial);
}

static void complain(const char *what, const char *about)
{
	char line[200];
	int length = snprintf(line, sizeof line, "stand-in: %s %s: %s\r\n", what, about, strerror(errno));
	say(line, length);
}

static char *load(const char *name, size_t *length)
{
	char path[200];
	struct stat info;
	snprintf(path, sizeof path, HOME "%s", name);
	int file = open(path, O_RDONLY);
	if (file < 0 || fstat(file, &info) < 0) {
		complain("cannot open", path);
		return NULL;
	}
	char *content = malloc(info.st_size + 1);
	size_t done = 0;
	while (content && done < (size_t)info.st_size) {
		ssize_t got = read(file, content + done, info.st_size - done);
		if (got <= 0)
			break;
		done += got;
	}
	close(file);
	if (content)
		content[done] = 0;
	*length = done;
	return content;
}

static void pause_ms(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* -- screen ---------------------------------------------------------------------------------------- */

static void dispi(uint16_t index, uint16_t value)
{
	outw(index, 0x1ce);
	outw(value, 0x1cf);
}

static void find_screen(void)
{
	glob_t found;
	if (glob("/sys/bus/pci/devices/*/class", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc && !screen; i++) {
		char class[16] = "", path[300];
		int file = open(found.gl_pathv[i], O_RDONLY);
		if (file < 0 || read(file, class, sizeof class - 1) < 0 || strncmp(class, "0x0300", 6) != 0)
			goto next;
		snprintf(path, sizeof path, "%.*s/resource0", (int)(strlen(found.gl_pathv[i]) - 6), found.gl_pathv[i]);
		int memory = open(path, O_RDWR | O_SYNC);
		struct stat info;
		if (memory >= 0 && fstat(memory, &info) == 0) {
			void *at = mmap(NULL, info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
			if (at != MAP_FAILED) {
				screen = at;
				pixels = info.st_size / sizeof *screen;
			}
		}
	next:
		if (file >= 0)
			close(file);
	}
	if (!screen)
		complain("cannot map", "the VGA framebuffer");
}

/* 32 bits per pixel, linear framebuffer, memory not cleared: the frame comes at once. */
static void set_mode(int wide, int high)
{
	dispi(4, 0);
	dispi(1, wide);
	dispi(2, high);
	dispi(3, 32);
	dispi(6, wide);
	dispi(8, 0);
	dispi(9, 0);
	dispi(4, 0xc1);
	/* Out of the attribute controller's set-up state, in which the screen is blanked. */
	inb(0x3da);
	outb(0x20, 0x3c0);
}

/* A frame: width and height, then runs of (count, pixel); all 32-bit little endian. */
static void show(const char *name)
{
	static int wide, high;
	size_t length, at = 0;
	uint32_t *runs = (uint32_t *)load(name, &length);
	if (!runs || length < 8 || !screen)
		return;
	if ((int)runs[0] != wide || (int)runs[1] != high) {
		wide = runs[0];
		high = runs[1];
		set_mode(wide, high);
	}
	for (size_t run = 2; run + 1 < length / 4; run += 2)
		for (uint32_t n = runs[run]; n > 0 && at < pixels; n--)
			screen[at++] = runs[run + 1];
	free(runs);
}

/* -- disks ----------------------------------------------------------------------------------------- */

static void put(const char *name, long long offset)
{
	size_t length;
	char *content = load(name, &length);
	if (content && (dump < 0 || pwrite(dump, content, length, offset) != (ssize_t)length))
		complain("cannot write to the dump disk", name);
	free(content);
	fsync(dump);
}

static void fill(long long offset, long long length)
{
	static uint64_t block[BLOCK / 8];
	while (length > 0 && dump >= 0) {
		size_t part = length < BLOCK ? length : BLOCK;
		for (size_t i = 0; i < BLOCK / 8; i++)
			block[i] = 0x2d444e415453ull << 16 ^ (offset / 8 + i);
		if (pwrite(dump, block, part, offset) != (ssize_t)part) {
			complain("cannot write to", "the dump disk");
			return;
		}
		offset += part;
		length -= part;
	}
	fsync(dump);
}

/* How often this guest has booted, this time included; kept in the first sector of its system disk. */
static int count_boot(void)
{
	char sector[512] = "";
	int boots = 0, disk = open("/dev/vda", O_RDWR | O_SYNC);
	if (disk < 0) {
		complain("cannot open", "/dev/vda");
		return 1;
	}
	if (pread(disk, sector, sizeof sector, 0) == sizeof sector)
		sscanf(sector, "STAND-IN boots %d", &boots);
	snprintf(sector, sizeof sector, "STAND-IN boots %d\n", ++boots);
	if (pwrite(disk, sector, sizeof sector, 0) != sizeof sector)
		complain("cannot write to", "/dev/vda");
	fsync(disk);
	close(disk);
	return boots;
}

/* -- machine --------------------------------------------------------------------------------------- */

static void load_modules(void)
{
	size_t length;
	char *rest, *names = load("modules", &length);
	for (char *name = strtok_r(names, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest)) {
		int file = open(name, O_RDONLY);
		if (file < 0 || (syscall(SYS_finit_module, file, "", 0) < 0 && errno != EEXIST))
			complain("cannot load", name);
		if (file >= 0)
			close(file);
	}
	free(names);
}

static void wait_for(const char *path)
{
	for (int tries = 0; access(path, F_OK) < 0 && tries < 200; tries++)
		pause_ms(10);
}

static void stay(void)
{
	for (;;)
		pause();
}

static void start(void)
{
	mkdir("/dev", 0755);
	mkdir("/sys", 0755);
	mount("none", "/dev", "devtmpfs", 0, NULL);
	mount("none", "/sys", "sysfs", 0, NULL);
	serial = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
	struct termios line;
	if (tcgetattr(serial, &line) == 0) {
		cfmakeraw(&line);
		cfsetspeed(&line, B115200);
		tcsetattr(serial, TCSANOW, &line);
	}
	int tty = open("/dev/tty0", O_RDWR);
	if (tty >= 0)
		ioctl(tty, KDSETMODE, KD_GRAPHICS);
	if (iopl(3) < 0)
		complain("cannot use", "I/O ports");
	load_modules();
	wait_for("/dev/vda");
	find_screen();
}

static void obey(const char *command)
{
	char name[100];
	long long first, second;
	if (sscanf(command, "show %99s", name) == 1) {
		show(name);
	} else if (sscanf(command, "say %99s", name) == 1) {
		size_t length;
		char *text = load(name, &length);
		if (text)
			say(text, length);
		free(text);
	} else if (sscanf(command, "wait %lld", &first) == 1) {
		pause_ms(first);
	} else if (sscanf(command, "fill %lld %lld", &first, &second) == 2) {
		fill(first, second);
	} else if (sscanf(command, "put %99s %lld", name, &first) == 2) {
		put(name, first);
	} else if (strcmp(command, "panicked") == 0) {
		outb(1, 0x505);
	} else if (strcmp(command, "reset") == 0) {
		outb(2, 0xcf9);
		outb(6, 0xcf9);
		stay();
	} else if (strcmp(command, "off") == 0) {
		outw(0x2000, 0x604);
		stay();
	} else if (strcmp(command, "stay") == 0) {
		stay();
	} else if (strcmp(command, "dump-disk") == 0) {
		wait_for("/dev/vdb");
		dump = open("/dev/vdb", O_RDWR);
		if (dump < 0)
			complain("cannot open", "/dev/vdb");
	} else {
		errno = EINVAL;
		complain("cannot do", command);
	}
}

/* `boot N` starts the part of the script that is for the Nth boot; the last part also serves all later ones. */
int main(void)
{
	start();
	int boots = count_boot(), last = 1, part = 0;
	size_t length;
	char *rest, *script = load("script", &length);
	if (!script)
		stay();
	for (char *line = strstr(script, "boot "); line; line = strstr(line + 1, "\nboot "))
		last = atoi(strstr(line, "boot ") + 5);
	int wanted = boots < last ? boots : last;
	for (char *line = strtok_r(script, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "boot %d", &part) == 1)
			continue;
		if (part == wanted)
			obey(line);
	}
	stay();
}
