// SPDX-License-Identifier: Apache-2.0
// What an attack needs and Go cannot do: ways to make processes, and being a small program. The first argument says what to
// do. It prints "ran" when it reached the effect, and "errno N" when something was refused.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int say(const char *text) {
	return write(1, text, strlen(text)) < 0;
}

static int refused(void) {
	char text[32];
	snprintf(text, sizeof text, "errno %d\n", errno);
	return say(text);
}

static const char *path;
static int done[2];

// The end of every way: read what is secret.
static int use(void *unused) {
	(void)unused;
	char c = 0;
	int fd = open(path, O_RDONLY);
	int result = fd < 0 || read(fd, &c, 1) != 1 ? refused() : c == 's' ? say("ran\n") : 1;
	close(done[1]);
	return result;
}

static char stack[65536] __attribute__((aligned(16)));

static int orphan(void) {
	pid_t parent = getpid();
	if (fork() == 0) {
		if (fork() == 0) {
			while (getppid() == parent + 1)
				usleep(1000);
			usleep(50000);
			_exit(use(0));
		}
		_exit(0);
	}
	return 0;
}

int main(int argc, char **argv) {
	const char *way = argc > 1 ? argv[1] : "";
	if (argc < 3)
		return say("ran\n");
	path = argv[2];
	if (strcmp(way, "exec") == 0) {
		execv(argv[2], argv + 2);
		return refused();
	}
	if (strcmp(way, "again") == 0) {
		// A program that removes itself and starts again from what is left of it.
		if (unlink(argv[2]) < 0)
			return refused();
		execl("/proc/self/exe", "again", (char *)0);
		return refused();
	}
	if (strcmp(way, "sleep") == 0)
		return pause();
	if (pipe(done) < 0)
		return refused();
	if (strcmp(way, "read") == 0)
		return use(0);
	if (strcmp(way, "fork") == 0) {
		if (fork() == 0)
			_exit(use(0));
	} else if (strcmp(way, "double") == 0)
		orphan();
	else if (strcmp(way, "vfork") == 0) {
		if (vfork() == 0)
			_exit(use(0));
	} else {
		int flags = strcmp(way, "parent") == 0 ? CLONE_PARENT | SIGCHLD
			: strcmp(way, "thread") == 0 ? CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
			: strcmp(way, "share") == 0 ? CLONE_VM | CLONE_FS | CLONE_UNTRACED : -1;
		if (flags == -1)
			return say("ran\n"); // started as an interpreter
		if (clone(use, stack + sizeof stack, flags, 0) < 0)
			return refused();
	}
	close(done[1]);
	char c;
	while (read(done[0], &c, 1) > 0)
		;
	int status = 0;
	wait(&status);
	return status != 0;
}
