// SPDX-License-Identifier: GPL-2.0
/* The kernel module seen from user space: load, unload, content, features. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sensord.h"

static const char *const FEATURES[] = { "exec_events", "log_matches" };
#define FEATURE_COUNT (sizeof(FEATURES) / sizeof(*FEATURES))

int module_load(char *why, size_t room)
{
	int file, result;

	if (!access(PROC_STATUS, F_OK))
		return DONE;
	file = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		snprintf(why, room, "%s: %s", MODULE_FILE, strerror(errno));
		return FAILED;
	}
	result = syscall(SYS_finit_module, file, "", 0);
	if (result)
		snprintf(why, room, "%s: the kernel does not take it: %s", MODULE_FILE, strerror(errno));
	close(file);
	return result ? FAILED : DONE;
}

int module_unload(void)
{
	if (access(PROC_STATUS, F_OK))
		return DONE;
	if (!syscall(SYS_delete_module, "demo_sensor", O_NONBLOCK))
		return DONE;
	fprintf(stderr, "demo-sensord: module demo_sensor stays: %s\n", strerror(errno));
	return FAILED;
}

/* One write is one content; on EBADMSG the module's own words say why. */
int content_load(const char *path, char *why, size_t room)
{
	static char bytes[LARGEST_CONTENT + 1];
	long size = read_file(path, bytes, sizeof(bytes));

	if (size < 0) {
		snprintf(why, room, "%s: %s", path, strerror(errno));
		return FAILED;
	}
	if (size > 0 && !write_file(PROC_CONTENT, bytes, size))
		return DONE;
	if (size > 0 && errno == EBADMSG && value_of(PROC_STATUS, "refused", why, room))
		return REFUSED;
	snprintf(why, room, "%s: %ld bytes, wanted 1 to 65536: %s", path, size,
		 size > 0 ? strerror(errno) : "empty file");
	return REFUSED;
}

static int parameter_set(const char *name, const char *state)
{
	char path[LINE];

	snprintf(path, sizeof(path), PARAMETERS "/%s", name);
	return write_file(path, !strcmp(state, "on") ? "1" : "0", 1);
}

/* Switches a feature now and writes all features down so that they survive a reboot. */
int feature_set(const char *name, const char *state)
{
	char text[LINE] = "", path[LINE], value[8];
	size_t i, used = 0;
	bool known = false;

	for (i = 0; i < FEATURE_COUNT; i++)
		known = known || !strcmp(name, FEATURES[i]);
	if (!known || (strcmp(state, "on") && strcmp(state, "off"))) {
		fprintf(stderr, "demo-sensord: feature %s %s: wanted exec_events or log_matches, on or off\n",
			name, state);
		return USAGE;
	}
	if (parameter_set(name, state)) {
		fprintf(stderr, "demo-sensord: feature %s: %s\n", name, strerror(errno));
		return FAILED;
	}
	for (i = 0; i < FEATURE_COUNT; i++) {
		snprintf(path, sizeof(path), PARAMETERS "/%s", FEATURES[i]);
		if (read_file(path, value, sizeof(value)) > 0)
			used += snprintf(text + used, sizeof(text) - used, "%s=%s\n", FEATURES[i],
					 value[0] == 'Y' ? "on" : "off");
	}
	if (replace_file(FEATURES_FILE, text, used)) {
		fprintf(stderr, "demo-sensord: %s: %s\n", FEATURES_FILE, strerror(errno));
		return FAILED;
	}
	printf("%s=%s\n", name, state);
	return DONE;
}

void features_restore(void)
{
	char state[8];
	size_t i;

	for (i = 0; i < FEATURE_COUNT; i++)
		if (value_of(FEATURES_FILE, FEATURES[i], state, sizeof(state)))
			parameter_set(FEATURES[i], state);
}
