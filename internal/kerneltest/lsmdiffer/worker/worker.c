// SPDX-License-Identifier: Apache-2.0
// The worker is every program of the containers: it carries out one system call after the other that the guest sends to its
// socket (descriptor 3), and answers with the result. So it does nothing but what it is told, and what is refused is refused
// of that. It has no C library, so that it starts in no time under emulation. x86-64 only, as the guests.
//
// A message is a `struct call` and bytes, which come to lie at the address that a new image tells first of all: pointers
// among the arguments lead there. A descriptor that comes with a message has the number 4, the lowest that is free.
//
// fork(2) continues in the child: the parent waits until the child ends, and answers only if a signal ended it.
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/socket.h>
#include <linux/uio.h>

struct call {
	long number, arguments[6];
};

static struct {
	struct call call;
	char bytes[32768];
} message;

static long sys(long nr, long a, long b, long c, long d, long e, long f) {
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

static void answer(long result) {
	if (sys(__NR_write, 3, (long)&result, sizeof result, 0, 0, 0) != sizeof result)
		sys(__NR_exit_group, 3, 0, 0, 0, 0, 0);
}

// The structures of recvmsg(2), which the kernel's headers do not have.
struct header {
	void *name;
	int namelen;
	struct iovec *iov;
	unsigned long iovlen;
	void *control;
	unsigned long controllen;
	int flags;
};

__attribute__((force_align_arg_pointer)) void _start(void) {
	answer((long)message.bytes);
	for (;;) {
		char control[64];
		struct iovec io = {&message, sizeof message};
		struct header header = {0, 0, &io, 1, control, sizeof control, 0};
		if (sys(__NR_recvmsg, 3, (long)&header, 0, 0, 0, 0) < (long)sizeof message.call)
			sys(__NR_exit_group, 0, 0, 0, 0, 0, 0);
		long *a = message.call.arguments;
		long result = sys(message.call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (message.call.number == __NR_fork && result > 0) {
			int status = 0;
			result = sys(__NR_wait4, result, (long)&status, 0, 0, 0, 0);
			if (result > 0 && status == 0)
				continue;
			result = -EINTR;
		}
		answer(result);
	}
}
