// SPDX-License-Identifier: Apache-2.0
// Measures operations where the time stamp counter counts instructions: prints "NAME MEDIAN" for each.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM_UP = 32, MOST = 2048 };
static long samples[MOST];

static long now(void)
{
	unsigned low, high;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (long)high << 32 | low;
}

static void check(const char *what, long result)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void opens(const char *path)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
	check(path, fd);
	syscall(SYS_close, fd);
}

static void makes(const char *path)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	check(path, fd);
	syscall(SYS_close, fd);
	check(path, syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

static void executes(const char *path)
{
	int status = 0;
	pid_t child = vfork();
	if (!child) {
		execl(path, path, NULL);
		_exit(127);
	}
	check("vfork", child);
	check("wait", waitpid(child, &status, 0));
	if (status) {
		fprintf(stderr, "%s: status %#x\n", path, status);
		exit(1);
	}
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;
	return (x > y) - (x < y);
}

/* Interrupts fall into few of the times that something is done, so that the median has none. */
static void measure(const char *name, void (*operation)(const char *), const char *path, int times)
{
	for (int i = -WARM_UP; i < times; i++) {
		long begin = now();
		operation(path);
		long end = now();
		if (i >= 0)
			samples[i] = end - begin;
	}
	qsort(samples, times, sizeof(*samples), compare);
	printf("%s %ld\n", name, samples[times / 2]);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 0; /* what is executed */
	for (int i = 1; i < argc; i++) {
		char name[32];
		snprintf(name, sizeof(name), "open %zu", strlen(argv[i]));
		measure(name, opens, argv[i], 1001);
	}
	measure("create and delete", makes, "/work/made", 301);
	measure("exec", executes, "/bin/true", 201);
	return 0;
}
