// SPDX-License-Identifier: GPL-2.0
/*
 * Follows what the module tells and writes matches down. The thread gives way to everybody else
 * (SCHED_IDLE): a sensor must not slow down what it watches.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensord.h"

#define MOST_BYTES 65536

static atomic_bool following;
static atomic_long written;

/* Build 2.1-handles forgets to close the file. */
static void write_down(const char *line)
{
	struct stat now;
	int file = open(MATCHES_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (file < 0)
		return;
	if (!fstat(file, &now) && now.st_size > MOST_BYTES && ftruncate(file, 0))
		now.st_size = 0;	/* it only grows on; nothing else can be done */
	if (dprintf(file, "%s\n", line) > 0)
		written++;
	if (!DEMO_SENSOR_LEAKS_HANDLES)
		close(file);
}

static void take_in(char *text)
{
	char *line, *rest;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned int matched = 0;

		if (sscanf(line, "%*u %*u %u", &matched) == 1 && matched)
			write_down(line);
	}
}

/* Ends when the module goes. */
static void *follow(void *unused)
{
	struct sched_param none = { 0 };
	char text[8192];
	ssize_t got;
	int file;

	(void)unused;
	sched_setscheduler(0, SCHED_IDLE, &none);
	file = open(PROC_REPORTS, O_RDONLY | O_CLOEXEC);
	while (file >= 0 && ((got = read(file, text, sizeof(text) - 1)) > 0 || (got < 0 && errno == EINTR))) {
		text[got > 0 ? got : 0] = '\0';
		take_in(text);
	}
	if (file >= 0)
		close(file);
	following = false;
	return NULL;
}

/* Starts following unless it is done already; builds before 2.0 have nothing to follow. */
int reports_follow(void)
{
	pthread_t thread;

	if (following || access(PROC_REPORTS, F_OK))
		return DONE;
	following = true;
	if (pthread_create(&thread, NULL, follow, NULL)) {
		following = false;
		return FAILED;
	}
	pthread_detach(thread);
	return DONE;
}

long reports_matches(void)
{
	return written;
}
