/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the demo sensor's kernel module share. */
#ifndef DEMO_SENSOR_SENSOR_H
#define DEMO_SENSOR_SENSOR_H

#include <linux/types.h>

#include "build.h"

/* Inputs the module supplies for each event; every build so far supplies this many. */
#define DEMO_SENSOR_INPUTS 20
/* What a content file may hold at most; a limit of the file format, not of the inputs. */
#define DEMO_SENSOR_MOST_FIELDS 64
#define DEMO_SENSOR_LARGEST_CONTENT 65536

#define DEMO_SENSOR_EVENT_TEXT 1536

enum demo_sensor_type {
	DEMO_SENSOR_TEXT = 1,	/* the input equals the value */
	DEMO_SENSOR_SUFFIX = 2,	/* the input ends with the value */
	DEMO_SENSOR_NUMBER = 3,	/* the same as text; the tools check that it is decimal */
};

enum demo_sensor_matcher {
	DEMO_SENSOR_WILDCARD = 0,	/* anything will do; the input is not read */
	DEMO_SENSOR_VALUE = 1,
};

struct demo_sensor_field {
	u8 type;
	u8 matcher;
	u16 length;
	const char *value;	/* points into the content's own bytes, not terminated */
};

struct demo_sensor_content {
	u32 id;
	u16 count;
	struct demo_sensor_field fields[DEMO_SENSOR_MOST_FIELDS];
	u8 bytes[];
};

/* Milliseconds of uptime. */
#if DEMO_SENSOR_COUNTS_MS_IN_32_BITS
typedef u32 demo_sensor_ms;	/* "49 days will do": they wrap after 49.7 */
#else
typedef u64 demo_sensor_ms;
#endif

/* One event. The inputs are followed by what is no pointer: who reads inputs[20] gets a number. */
struct demo_sensor_event {
	const char *inputs[DEMO_SENSOR_INPUTS];
	u64 pid_tgid;
	u64 sequence;
	demo_sensor_ms at_ms;
	size_t used;
	char text[DEMO_SENSOR_EVENT_TEXT];
};

/*
 * content.c: parses `bytes`; on refusal returns NULL with the words in `why`. Unchecked, only what would
 * lead outside of `bytes` is refused.
 */
struct demo_sensor_content *demo_sensor_parse(const u8 *bytes, size_t size, bool checked, char *why, size_t room);
u32 demo_sensor_checksum(u32 crc, const u8 *bytes, size_t size);

/* match.c */
bool demo_sensor_match(const struct demo_sensor_content *content, const char *const *inputs);

/* main.c: called for each event in softirq context. */
void demo_sensor_evaluate(const struct demo_sensor_event *event);

/* events.c: programs being started */
int demo_sensor_events_start(void);
void demo_sensor_events_stop(void);
void demo_sensor_events_watch(bool on);
u64 demo_sensor_events_dropped(void);

/* kernels.c: what differs from kernel to kernel */
struct demo_sensor_kernel {
	u32 from, before;	/* as LINUX_VERSION_CODE */
	size_t path_room;	/* bytes of a path that go into a report */
};
const struct demo_sensor_kernel *demo_sensor_kernel(void);

/* memory.c: which programs were seen, and how often; given back when the kernel is short of memory */
int demo_sensor_memory_start(void);
void demo_sensor_memory_stop(void);
void demo_sensor_remember(const char *path);
unsigned int demo_sensor_remembered(void);

/* opens.c: files being opened */
int demo_sensor_opens_start(void);
void demo_sensor_opens_stop(void);
u64 demo_sensor_opens(void);

/* reports.c: what the service is told */
struct proc_dir_entry;
int demo_sensor_reports_start(struct proc_dir_entry *directory);
void demo_sensor_reports_close(void);	/* before the directory goes: whoever reads gets an end of file */
void demo_sensor_reports_stop(void);
void demo_sensor_report(const struct demo_sensor_event *event, bool matched);
long demo_sensor_records(void);
u64 demo_sensor_reports_lost(void);

#endif
