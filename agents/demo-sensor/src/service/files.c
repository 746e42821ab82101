// SPDX-License-Identifier: GPL-2.0
/* Small files: read, write, replace. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sensord.h"

long read_file(const char *path, char *bytes, size_t room)
{
	size_t used = 0;
	ssize_t got = 1;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return -1;
	while (used < room && (got = read(file, bytes + used, room - used)) > 0)
		used += got;
	close(file);
	return got < 0 ? -1 : (long)used;
}

static int write_all(int file, const char *bytes, size_t size)
{
	while (size) {
		ssize_t put = write(file, bytes, size);

		if (put < 0)
			return -1;
		bytes += put;
		size -= put;
	}
	return 0;
}

int write_file(const char *path, const void *bytes, size_t size)
{
	int file = open(path, O_WRONLY | O_CLOEXEC), result, error;

	if (file < 0)
		return -1;
	result = write_all(file, bytes, size);
	error = errno;
	close(file);
	errno = error;
	return result;
}

/* Beside its place, under another name. */
static int write_scratch(const char *scratch, const void *bytes, size_t size, bool lasting)
{
	int file = open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), result, error;

	if (file < 0)
		return -1;
	result = write_all(file, bytes, size) || (lasting && fsync(file));
	error = errno;
	close(file);
	errno = error;
	return result ? -1 : 0;
}

/* A rename is on the disk when the directory is. */
static int rename_for_good(const char *from, const char *to)
{
	char folder[LINE];
	int file, result, error;

	if (rename(from, to))
		return -1;
	snprintf(folder, sizeof(folder), "%s", to);
	*strrchr(folder, '/') = '\0';
	file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file < 0)
		return -1;
	result = fsync(file);
	error = errno;
	close(file);
	errno = error;
	return result;
}

int publish_file(const char *path, const void *bytes, size_t size)
{
	char scratch[LINE];

	snprintf(scratch, sizeof(scratch), "%s.new", path);
	return write_scratch(scratch, bytes, size, false) ? -1 : rename(scratch, path);
}

int replace_file(const char *path, const void *bytes, size_t size)
{
	char scratch[LINE];

	snprintf(scratch, sizeof(scratch), "%s.new", path);
	return write_scratch(scratch, bytes, size, true) ? -1 : rename_for_good(scratch, path);
}

int replace_link(const char *path, const char *target)
{
	char scratch[LINE];

	snprintf(scratch, sizeof(scratch), "%s.new", path);
	unlink(scratch);
	return symlink(target, scratch) ? -1 : rename_for_good(scratch, path);
}

bool value_of(const char *path, const char *key, char *value, size_t room)
{
	char text[4096], *line, *next;
	long size = read_file(path, text, sizeof(text) - 1);
	size_t length = strlen(key);

	value[0] = '\0';
	if (size < 0)
		return false;
	text[size] = '\0';
	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!strncmp(line, key, length) && line[length] == '=') {
			snprintf(value, room, "%s", line + length + 1);
			return true;
		}
	}
	return false;
}
