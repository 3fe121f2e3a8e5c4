// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"cmp"
	"slices"
)

// InitCall is a system call that an OCI runtime makes inside the container
// after it has installed the filter, up to and including the exec of the
// entrypoint.
type InitCall struct {
	Name   string
	Reason string // what for
}

// InitCalls returns, sorted by name, what a filter must allow so that a
// container starts at all under runc 1.1 to 1.5 or crun 1.8. It is the same for
// amd64 and arm64. With no_new_privs runc installs the filter just before the
// exec; without it, it needs CAP_SYS_ADMIN to do so, and thus installs it before
// it changes user and drops capabilities.
//
// The list was found by experiment: what both were seen to call, and the calls
// that Go's scheduler and memory manager make now and then on runc's
// thread, without which only some starts fail. Programs need more than this.
func InitCalls(noNewPrivileges bool) []InitCall {
	calls := slices.Concat(beforeExec, scheduler)
	if !noNewPrivileges {
		calls = append(calls, becomeUser...)
	}
	slices.SortFunc(calls, func(a, b InitCall) int { return cmp.Compare(a.Name, b.Name) })
	return calls
}

var beforeExec = []InitCall{
	{"close", "closes the descriptors of the runtime"},
	{"execve", "starts the entrypoint"},
	{"fcntl", "marks descriptors close-on-exec"},
	{"fstat", "checks that /proc is procfs"},
	{"fstatfs", "checks that /proc is procfs"},
	{"getdents64", "lists the open descriptors"},
	{"openat", "opens /proc/self/fd and the pipe that holds the start back"},
	{"openat2", "opens /proc/self/fd (runc 1.2)"},
	{"statx", "checks the mount of /proc (runc 1.2)"},
	{"write", "tells the runtime that the container starts"},
}

// scheduler are the calls of runc's Go runtime.
var scheduler = []InitCall{
	{"epoll_ctl", "registers an opened file with Go's poller"},
	{"epoll_pwait", "polls in Go's scheduler"},
	{"futex", "waits in Go's scheduler"},
	{"getpid", "signals a thread of Go's scheduler"},
	{"gettid", "signals a thread of Go's scheduler"},
	{"madvise", "returns memory of Go's heap"},
	{"mmap", "grows Go's heap"},
	{"munmap", "shrinks Go's heap"},
	{"nanosleep", "waits in Go's scheduler"},
	{"rt_sigprocmask", "starts a thread of Go's scheduler; resets signals (crun)"},
	{"rt_sigreturn", "returns from Go's preemption signal"},
	{"sched_yield", "waits in Go's scheduler"},
	{"sigaltstack", "starts a thread of Go's scheduler"},
	{"tgkill", "signals a thread of Go's scheduler"},
}

// becomeUser are the further calls without no_new_privs.
var becomeUser = []InitCall{
	{"capget", "reads the capabilities to drop"},
	{"capset", "drops capabilities"},
	{"chdir", "enters the working directory"},
	{"close_range", "closes the descriptors of the runtime (runc 1.2)"},
	{"faccessat", "looks for the entrypoint in PATH"},
	{"faccessat2", "looks for the entrypoint in PATH"},
	{"fchown", "gives standard input and output to the user"},
	{"getcwd", "checks that the working directory is in the container"},
	{"getppid", "checks that the runtime still lives"},
	{"newfstatat", "looks for the entrypoint in PATH"},
	{"prctl", "keeps and drops capabilities"},
	{"read", "reads the last capability and user of the container"},
	{"rt_sigaction", "resets signals (crun)"},
	{"setgid", "becomes the group"},
	{"setgroups", "sets the supplementary groups"},
	{"setresgid", "becomes the group (crun)"},
	{"setresuid", "becomes the user (crun)"},
	{"setuid", "becomes the user"},
}
