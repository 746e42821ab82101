// SPDX-License-Identifier: GPL-2.0
/* What the service uses of the guest, and the activity that keeps it busy. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sensord.h"

/* Processes that start probes at a time in a storm. */
#define STORMERS 8

extern char **environ;

static long entries(const char *path)
{
	DIR *folder = opendir(path);
	long count = 0;

	if (!folder)
		return -1;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;	/* . and .. */
}

/* The number after `word` in a file below /proc/PID; -1 when there is none. */
static long told(pid_t pid, const char *name, const char *word)
{
	char path[64], text[4096];
	const char *at;
	long size;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	size = read_file(path, text, sizeof(text) - 1);
	if (size < 0)
		return -1;
	text[size] = '\0';
	at = strstr(text, word);
	return at ? atol(at + strlen(word)) : -1;
}

static long cpu_ms(const char *path)
{
	char text[1024];
	unsigned long user = 0, system = 0;
	long size = read_file(path, text, sizeof(text) - 1);
	const char *at;

	if (size < 0)
		return -1;
	text[size] = '\0';
	at = strrchr(text, ')');	/* the name may hold anything */
	if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		return -1;
	return (user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/*
 * Nothing is printed of a service that does not run: no number is better than a wrong one. VmRSS of
 * /proc/PID/status may be off by 64 pages for each thread, the sum over the mappings is not.
 */
void print_resources(pid_t service)
{
	char path[64];

	if (!service)
		return;
	printf("rss_kib=%ld\n", told(service, "smaps_rollup", "\nRss:"));
	printf("threads=%ld\n", told(service, "status", "\nThreads:"));
	snprintf(path, sizeof(path), "/proc/%d/fd", service);
	printf("handles=%ld\n", entries(path));
	snprintf(path, sizeof(path), "/proc/%d/stat", service);
	printf("cpu_ms=%ld\n", cpu_ms(path));
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static int probe_once(void)
{
	char *words[] = { (char *)"demo-sensor-probe", NULL };
	pid_t child;
	int status;

	if (posix_spawn(&child, PROBE, NULL, NULL, words, environ))
		return FAILED;
	return waitpid(child, &status, 0) == child && !status ? DONE : FAILED;
}

struct count {
	long done, errors;
};

/* `rate` times a second, one after the other; 0: as often as it goes. */
static void probe_until(double end, int rate, struct count *count)
{
	double due = now_s(), left;

	while (now_s() < end) {
		if (probe_once() == DONE)
			count->done++;
		else
			count->errors++;
		if (!rate)
			continue;
		due += 1.0 / rate;
		left = due - now_s();
		if (left > 0)
			usleep(left * 1e6);
	}
}

/* As many probes as the guest can start, from several processes at a time. */
static void storm(double end, struct count *counts)
{
	pid_t children[STORMERS];
	int i;

	for (i = 0; i < STORMERS; i++) {
		children[i] = fork();
		if (!children[i]) {
			probe_until(end, 0, &counts[i]);
			_exit(DONE);
		}
		if (children[i] < 0)
			counts[i].errors++;
	}
	for (i = 0; i < STORMERS; i++)
		if (children[i] > 0)
			waitpid(children[i], NULL, 0);
}

/* Starts the probe `rate` times a second for so long, or, with 0, as often as the guest can. */
int keep_busy(int rate, int seconds)
{
	double end = now_s() + seconds;
	struct count all = { 0, 0 };
	struct count *counts = mmap(NULL, STORMERS * sizeof(*counts), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i;

	if (counts == MAP_FAILED)
		return FAILED;
	if (rate)
		probe_until(end, rate, &counts[0]);
	else
		storm(end, counts);
	for (i = 0; i < STORMERS; i++) {
		all.done += counts[i].done;
		all.errors += counts[i].errors;
	}
	printf("done=%ld\nerrors=%ld\n", all.done, all.errors);
	return all.errors ? FAILED : DONE;
}
