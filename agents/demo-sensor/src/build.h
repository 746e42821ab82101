/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole difference between the builds of the demo sensor: one line of defects each.
 *
 * 1.x watches programs being started. 2.x watches files being opened too, remembers programs, and
 * reports events to its service. 2.0 is the good build of that code; each 2.1-WORD has one defect,
 * and README.md says how it shows.
 */
#ifndef DEMO_SENSOR_BUILD_H
#define DEMO_SENSOR_BUILD_H

#define DEMO_SENSOR_GENERATION 2

#if defined(DEMO_SENSOR_BUILD_1_0)
#define DEMO_SENSOR_BUILD "1.0"
#undef DEMO_SENSOR_GENERATION
#define DEMO_SENSOR_GENERATION 1
/* whoever wrote the content knew how many inputs the build supplies, until somebody did not */
#define DEMO_SENSOR_TRUSTS_COUNT 1

#elif defined(DEMO_SENSOR_BUILD_1_1)
#define DEMO_SENSOR_BUILD "1.1"
#undef DEMO_SENSOR_GENERATION
#define DEMO_SENSOR_GENERATION 1

#elif defined(DEMO_SENSOR_BUILD_2_0)
#define DEMO_SENSOR_BUILD "2.0"

#elif defined(DEMO_SENSOR_BUILD_2_1_leak)
#define DEMO_SENSOR_BUILD "2.1-leak"
#define DEMO_SENSOR_LEAKS_RECORDS 1

#elif defined(DEMO_SENSOR_BUILD_2_1_handles)
#define DEMO_SENSOR_BUILD "2.1-handles"
#define DEMO_SENSOR_LEAKS_HANDLES 1

#elif defined(DEMO_SENSOR_BUILD_2_1_deadlock)
#define DEMO_SENSOR_BUILD "2.1-deadlock"
#define DEMO_SENSOR_LOCKS_TWICE 1

#elif defined(DEMO_SENSOR_BUILD_2_1_lowmem)
#define DEMO_SENSOR_BUILD "2.1-lowmem"
#define DEMO_SENSOR_TRUSTS_MEMORY 1

#elif defined(DEMO_SENSOR_BUILD_2_1_torn)
#define DEMO_SENSOR_BUILD "2.1-torn"
#define DEMO_SENSOR_WRITES_IN_PLACE 1

#elif defined(DEMO_SENSOR_BUILD_2_1_clock)
#define DEMO_SENSOR_BUILD "2.1-clock"
#define DEMO_SENSOR_TRUSTS_CLOCK 1

#elif defined(DEMO_SENSOR_BUILD_2_1_slowopen)
#define DEMO_SENSOR_BUILD "2.1-slowopen"
#define DEMO_SENSOR_SLOWS_OPENS 1

#elif defined(DEMO_SENSOR_BUILD_2_1_wrap)
#define DEMO_SENSOR_BUILD "2.1-wrap"
#define DEMO_SENSOR_COUNTS_MS_IN_32_BITS 1

#elif defined(DEMO_SENSOR_BUILD_2_1_kernel61)
#define DEMO_SENSOR_BUILD "2.1-kernel61"
#define DEMO_SENSOR_FORGETS_KERNEL_6_1 1

#else
#error "unknown build: make BUILD=2.0 or another one that build.h knows"
#endif

#ifndef DEMO_SENSOR_TRUSTS_COUNT
#define DEMO_SENSOR_TRUSTS_COUNT 0
#endif
#ifndef DEMO_SENSOR_LEAKS_RECORDS
#define DEMO_SENSOR_LEAKS_RECORDS 0
#endif
#ifndef DEMO_SENSOR_LEAKS_HANDLES
#define DEMO_SENSOR_LEAKS_HANDLES 0
#endif
#ifndef DEMO_SENSOR_LOCKS_TWICE
#define DEMO_SENSOR_LOCKS_TWICE 0
#endif
#ifndef DEMO_SENSOR_TRUSTS_MEMORY
#define DEMO_SENSOR_TRUSTS_MEMORY 0
#endif
#ifndef DEMO_SENSOR_WRITES_IN_PLACE
#define DEMO_SENSOR_WRITES_IN_PLACE 0
#endif
#ifndef DEMO_SENSOR_TRUSTS_CLOCK
#define DEMO_SENSOR_TRUSTS_CLOCK 0
#endif
#ifndef DEMO_SENSOR_SLOWS_OPENS
#define DEMO_SENSOR_SLOWS_OPENS 0
#endif
#ifndef DEMO_SENSOR_COUNTS_MS_IN_32_BITS
#define DEMO_SENSOR_COUNTS_MS_IN_32_BITS 0
#endif
#ifndef DEMO_SENSOR_FORGETS_KERNEL_6_1
#define DEMO_SENSOR_FORGETS_KERNEL_6_1 0
#endif

#endif
