// SPDX-License-Identifier: GPL-2.0
/* demo-sensord: the command line. Started as demo-sensor-probe it does nothing but be started. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sensord.h"

static int usage(void)
{
	fprintf(stderr, "usage: demo-sensord run | start | stop | wait SECONDS | reload SECONDS | status |\n"
			"       feature NAME on|off | busy RATE SECONDS | unload | build |\n"
			"       select-build NAME | select-content NAME\n");
	return USAGE;
}

int main(int count, char **words)
{
	const char *name = strrchr(words[0], '/');
	const char *verb = count > 1 ? words[1] : "";

	name = name ? name + 1 : words[0];
	if (!strcmp(name, "demo-sensor-probe"))
		return DONE;
	if (count == 2 && !strcmp(verb, "run"))
		return service_run();
	if (count == 2 && !strcmp(verb, "start"))
		return service_start();
	if (count == 2 && !strcmp(verb, "stop"))
		return service_stop();
	if (count == 2 && !strcmp(verb, "status"))
		return print_status();
	if (count == 2 && !strcmp(verb, "unload"))
		return module_unload();
	if (count == 2 && !strcmp(verb, "build"))
		return puts(DEMO_SENSOR_BUILD) < 0;
	if (count == 3 && !strcmp(verb, "wait"))
		return service_wait(atoi(words[2]));
	if (count == 3 && !strcmp(verb, "reload"))
		return service_reload(atoi(words[2]));
	if (count == 3 && !strcmp(verb, "select-build"))
		return select_build(words[2]);
	if (count == 3 && !strcmp(verb, "select-content"))
		return select_content(words[2]);
	if (count == 4 && !strcmp(verb, "busy"))
		return keep_busy(atoi(words[2]), atoi(words[3]));
	if (count == 4 && !strcmp(verb, "feature"))
		return feature_set(words[2], words[3]);
	return usage();
}
