/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole difference between the builds of the demo sensor.
 *
 * 1.0  the released build. It trusts the field count of a content file: whoever wrote the
 *      content knew how many inputs the build supplies, until somebody did not.
 * 1.1  refuses a content that would read an input the build does not supply.
 */
#ifndef DEMO_SENSOR_BUILD_H
#define DEMO_SENSOR_BUILD_H

#if defined(DEMO_SENSOR_BUILD_1_0)
#define DEMO_SENSOR_BUILD "1.0"
#define DEMO_SENSOR_CHECKS_BOUNDS 0
#elif defined(DEMO_SENSOR_BUILD_1_1)
#define DEMO_SENSOR_BUILD "1.1"
#define DEMO_SENSOR_CHECKS_BOUNDS 1
#else
#error "unknown build: pass BUILD=1.0 or BUILD=1.1 to make"
#endif

#endif
