// SPDX-License-Identifier: GPL-2.0
/*
 * The service: loads the module and the content at start, proves with a probe that events arrive,
 * and gives a sign of life. The lock tells whether it runs, the health file how it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sensord.h"

static const char *state = "starting";
static char message[LINE];
static char last_refusal[LINE];
static int loads;

static long now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void nap(int milliseconds)
{
	struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

static void beat(void)
{
	char text[1024];
	int size = snprintf(text, sizeof(text),
			    "state=%s\nloads=%d\nbeat=%ld\nreported=%ld\nmessage=%s\nrefused=%s\n",
			    state, loads, now_s(), reports_matches(), message, last_refusal);

	publish_file(HEALTH_FILE, text, size);
}

static long counter(const char *key)
{
	char value[LINE];

	return value_of(PROC_STATUS, key, value, sizeof(value)) ? atol(value) : -1;
}

/* Starts the probe and looks whether the module saw it, unless watching is switched off. */
static bool events_arrive(void)
{
	long before = counter("events"), after;
	char watching[8] = "";
	pid_t child;

	read_file(PARAMETERS "/exec_events", watching, 1);
	if (watching[0] != 'Y')
		return true;
	child = fork();
	if (!child) {
		execl(PROBE, PROBE, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, NULL, 0) < 0)
		return false;
	after = counter("events");
	return before >= 0 && after > before;
}

static void load(void)
{
	int result;

	message[0] = '\0';
	if (module_load(message, sizeof(message)) != DONE) {
		state = "failed";
	} else {
		features_restore();
		reports_follow();
		result = content_load(CONTENT_FILE, message, sizeof(message));
		state = result == DONE ? "ready" : result == REFUSED ? "refused" : "failed";
		if (result == REFUSED)
			snprintf(last_refusal, sizeof(last_refusal), "%s", message);
		else
			value_of(PROC_STATUS, "refused", last_refusal, sizeof(last_refusal));
		if (result == DONE && !events_arrive()) {
			state = "failed";
			snprintf(message, sizeof(message), "the probe ran, the module saw no event");
		}
	}
	loads++;
	beat();
}

/* A record lock can be looked at without taking it, and names its owner; it ends with the process. */
static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

/* Takes the lock for the life of the service; -1 when another has it. */
static int take_lock(void)
{
	struct flock lock = whole_file();
	int file;

	mkdir(RUN_DIR, 0755);
	file = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file < 0)
		return -1;
	/* the health file of a boot before must not be read as this service's own */
	if (fcntl(file, F_GETLK, &lock) || lock.l_type != F_UNLCK)
		return -1;
	unlink(HEALTH_FILE);
	lock = whole_file();
	return fcntl(file, F_SETLK, &lock) ? -1 : file;
}

/*
 * Build 2.1-clock tells by the wall clock how long it slept. When the clock was set meanwhile, it
 * believes that its content is stale and ends in good order, so that no supervisor starts it again.
 */
static bool overslept(void)
{
	static time_t last;
	time_t now = time(NULL), slept = last ? now - last : 0;

	last = now;
	return DEMO_SENSOR_TRUSTS_CLOCK && (slept < -STALE_S || slept > STALE_S);
}

int service_run(void)
{
	struct timespec pause = { BEAT_S, 0 };
	sigset_t signals;
	int number = SIGHUP;

	if (take_lock() < 0) {
		fprintf(stderr, "demo-sensord: %s: another service has it\n", LOCK_FILE);
		return FAILED;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	while (number != SIGTERM && !overslept()) {
		if (number == SIGHUP)
			load();
		else if (access(PROC_STATUS, F_OK)) {
			state = "failed";
			snprintf(message, sizeof(message), "module demo_sensor is gone");
		}
		beat();
		number = sigtimedwait(&signals, NULL, &pause);
	}
	unlink(HEALTH_FILE);
	return DONE;
}

/* For systems without a supervisor. */
int service_start(void)
{
	pid_t child = fork();

	if (child)
		return child > 0 ? DONE : FAILED;
	setsid();
	if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr) || chdir("/"))
		_exit(FAILED);
	_exit(service_run());
}

/* The id of the running service, or 0. */
static pid_t service_pid(void)
{
	struct flock lock = whole_file();
	int file = open(LOCK_FILE, O_RDWR | O_CLOEXEC), failed;

	if (file < 0)
		return 0;
	failed = fcntl(file, F_GETLK, &lock);
	close(file);
	return failed || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

int service_stop(void)
{
	pid_t pid = service_pid();
	int tries;

	if (!pid)
		return DONE;
	kill(pid, SIGTERM);
	for (tries = 0; tries < 200 && service_pid(); tries++)
		nap(50);
	return service_pid() ? FAILED : DONE;
}

/* Waits until the service has loaded more often than `seen` times; REFUSED when it was refused. */
static int await_load(int seen, int patience_s)
{
	char text[LINE];
	long until = now_s() + patience_s;

	while (now_s() <= until) {
		if (service_pid() && value_of(HEALTH_FILE, "loads", text, sizeof(text)) && atoi(text) > seen) {
			value_of(HEALTH_FILE, "state", text, sizeof(text));
			return !strcmp(text, "ready") ? DONE : !strcmp(text, "refused") ? REFUSED : FAILED;
		}
		nap(100);
	}
	fprintf(stderr, "demo-sensord: the service did not load its content in %d s\n", patience_s);
	return FAILED;
}

int service_wait(int patience_s)
{
	int result = await_load(0, patience_s);

	print_status();
	return result;
}

int service_reload(int patience_s)
{
	char text[LINE];
	pid_t pid = service_pid();
	int seen, result;

	if (!pid) {
		fprintf(stderr, "demo-sensord: the service does not run\n");
		return FAILED;
	}
	value_of(HEALTH_FILE, "loads", text, sizeof(text));
	seen = atoi(text);
	kill(pid, SIGHUP);
	result = await_load(seen, patience_s);
	print_status();
	return result;
}

/* What a caller is to be told; the words are empty when all is well. */
static void judge_health(char *words, size_t room)
{
	char text[LINE];
	long age;

	words[0] = '\0';
	if (!service_pid()) {
		snprintf(words, room, "the service does not run");
		return;
	}
	value_of(HEALTH_FILE, "beat", text, sizeof(text));
	age = now_s() - atol(text);
	if (age > STALE_S) {
		snprintf(words, room, "no sign of life from the service for %ld s", age);
		return;
	}
	value_of(HEALTH_FILE, "state", text, sizeof(text));
	if (strcmp(text, "ready")) {
		value_of(HEALTH_FILE, "message", words, room);
		if (!words[0])
			snprintf(words, room, "the service is %.32s", text);
	} else if (access(PROC_STATUS, F_OK)) {
		snprintf(words, room, "module demo_sensor is not loaded");
	}
}

int print_status(void)
{
	static const char *const keys[] = {
		"build", "content", "events", "matches", "dropped", "logged", "late", "opens", "objects", "lost",
		"remembered",
	};
	char words[LINE], value[LINE];
	size_t i;

	judge_health(words, sizeof(words));
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		value_of(PROC_STATUS, keys[i], value, sizeof(value));
		printf("%s=%s\n", keys[i], value);
	}
	print_resources(service_pid());
	value_of(HEALTH_FILE, "reported", value, sizeof(value));
	printf("reported=%s\n", value);
	printf("service=%s\nhealthy=%s\nmessage=%s\n", DEMO_SENSOR_BUILD, words[0] ? "no" : "yes", words);
	if (!value_of(HEALTH_FILE, "refused", value, sizeof(value)) || !value[0])
		value_of(PROC_STATUS, "refused", value, sizeof(value));
	printf("refused=%s\n", value);
	fflush(stdout);
	return words[0] ? FAILED : DONE;
}
