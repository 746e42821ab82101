// SPDX-License-Identifier: GPL-2.0
/*
 * What is in force from the next start: builds/NAME by the link `current`, contents by the link
 * `content/current`. Each is one rename, and everything it leads to is on the disk before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sensord.h"

/* What build 2.1-torn writes at a time. */
#define PIECE 8
#define HEADER 24

static int failed(const char *path)
{
	fprintf(stderr, "demo-sensord: %s: %s\n", path, strerror(errno));
	return FAILED;
}

int select_build(const char *name)
{
	char target[LINE];

	snprintf(target, sizeof(target), "builds/%s", name);
	return replace_link(CURRENT_BUILD, target) ? failed(CURRENT_BUILD) : DONE;
}

static int write_piece(int file, const char *bytes, size_t at, size_t size)
{
	struct timespec pause = { 0, 100000000 };

	if (pwrite(file, bytes + at, size, at) != (ssize_t)size || fsync(file))
		return -1;
	nanosleep(&pause, NULL);
	return 0;
}

/*
 * How build 2.1-torn does it: the content is in force already while it is still being written, the
 * header first. A cut of the power leaves fields that are zeros behind a header that is right.
 */
static int write_in_place(const char *path, const char *bytes, size_t size)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), result;
	size_t at;

	if (file < 0)
		return -1;
	result = ftruncate(file, size) || write_piece(file, bytes, 0, size < HEADER ? size : HEADER);
	for (at = HEADER; !result && at < size; at += PIECE)
		result = write_piece(file, bytes, at, size - at < PIECE ? size - at : PIECE);
	close(file);
	return result;
}

int select_content(const char *name)
{
	static char bytes[LARGEST_CONTENT + 1];
	char source[LINE], path[LINE], target[LINE];
	long size;

	snprintf(source, sizeof(source), PROGRAM_DIR "/content/%s.content", name);
	snprintf(path, sizeof(path), CONTENT_DIR "/%s.content", name);
	snprintf(target, sizeof(target), "%s.content", name);
	size = read_file(source, bytes, sizeof(bytes));
	if (size < 0)
		return failed(source);
	if (DEMO_SENSOR_WRITES_IN_PLACE)
		return replace_link(CONTENT_FILE, target) || write_in_place(path, bytes, size) ? failed(path) : DONE;
	if (replace_file(path, bytes, size))
		return failed(path);
	return replace_link(CONTENT_FILE, target) ? failed(CONTENT_FILE) : DONE;
}
