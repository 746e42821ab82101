/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of demo-sensord, the service of the demo sensor, share. */
#ifndef DEMO_SENSORD_H
#define DEMO_SENSORD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "build.h"

#define PROGRAM_DIR "/opt/demo-sensor"
#define MODULE_FILE PROGRAM_DIR "/current/demo_sensor.ko"
#define PROBE PROGRAM_DIR "/demo-sensor-probe"
#define STATE_DIR "/var/lib/demo-sensor"
#define CURRENT_BUILD PROGRAM_DIR "/current"
#define CONTENT_DIR STATE_DIR "/content"
#define CONTENT_FILE CONTENT_DIR "/current"
#define LARGEST_CONTENT 65536
#define FEATURES_FILE STATE_DIR "/features"
#define RUN_DIR "/run/demo-sensor"
#define LOCK_FILE RUN_DIR "/lock"
#define HEALTH_FILE RUN_DIR "/health"
#define MATCHES_FILE RUN_DIR "/matches"
#define PROC_STATUS "/proc/demo_sensor/status"
#define PROC_CONTENT "/proc/demo_sensor/content"
#define PROC_REPORTS "/proc/demo_sensor/reports"
#define PARAMETERS "/sys/module/demo_sensor/parameters"

#define LINE 256
/* Seconds between two signs of life, and of silence after which the service counts as stuck. */
#define BEAT_S 10
#define STALE_S 60

/* Exit codes of every subcommand. */
enum { DONE = 0, FAILED = 1, USAGE = 2, REFUSED = 3 };

/*
 * files.c: all return -1 with errno on failure. publish_file() replaces so that a reader sees the old or
 * the new; replace_file() so that the next boot does, whenever the power is cut.
 */
long read_file(const char *path, char *bytes, size_t room);
int write_file(const char *path, const void *bytes, size_t size);
int publish_file(const char *path, const void *bytes, size_t size);
int replace_file(const char *path, const void *bytes, size_t size);
int replace_link(const char *path, const char *target);
bool value_of(const char *path, const char *key, char *value, size_t room);

/* module.c */
int module_load(char *why, size_t room);
int module_unload(void);
int content_load(const char *path, char *why, size_t room);
int feature_set(const char *name, const char *state);
void features_restore(void);

/* placing.c: what is in force from the next start */
int select_build(const char *name);
int select_content(const char *name);

/* reports.c: follows what the module tells, on a thread of its own */
int reports_follow(void);
long reports_matches(void);

/* resources.c */
void print_resources(pid_t service);
int keep_busy(int rate, int seconds);

/* service.c */
int service_run(void);
int service_start(void);
int service_stop(void);
int service_reload(int patience_s);
int service_wait(int patience_s);
int print_status(void);

#endif
