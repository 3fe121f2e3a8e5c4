// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"strings"
	"sync"

	"github.com/avert-dev/avert/compiler/linux"
)

// variants maps a system call of 64-bit architectures to those that do the same
// in 32-bit programs with wider numbers: chown32, fcntl64, futex_time64, mmap2.
// A rule about a call holds for them too, on the same arguments; otherwise a
// 32-bit program would be a way around it.
var variants = sync.OnceValue(func() map[string][]string {
	native := func(name string) bool {
		for _, arch := range linux.NodeArches() {
			if _, ok := linux.Syscall(arch, name); ok {
				return true
			}
		}
		return false
	}
	out := map[string][]string{}
	seen := map[string]bool{}
	for _, arch := range linux.NodeArches() {
		for _, sub := range arch.SubArches() {
			for _, name := range linux.SyscallNames(sub) {
				if base, ok := variantOf(name); ok && multiplexed[name] == nil && !seen[name] && !native(name) && native(base) {
					seen[name] = true
					out[base] = append(out[base], name)
				}
			}
		}
	}
	return out
})

// multiplexed maps further calls of 32-bit programs to what they do, with
// arguments that stand elsewhere or in memory.
//
// A Block with conditions refuses them with ENOSYS, so that C libraries fall back
// to the call itself, since the filter cannot look at what is meant. socketcall
// and ipc are refused whole: libseccomp adds rules about parts of them by itself,
// and takes no others beside.
var multiplexed = map[string][]string{
	"socketcall": {
		"socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername", "socketpair", "sendto", "recvfrom",
		"shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg",
	},
	"ipc": {
		"semop", "semget", "semctl", "semtimedop", "msgsnd", "msgrcv", "msgget", "msgctl", "shmat", "shmdt", "shmget", "shmctl",
	},
	"_newselect": {"select"}, "_llseek": {"lseek"}, "arm_fadvise64_64": {"fadvise64"}, "arm_sync_file_range": {"sync_file_range"},
	"umount": {"umount2"}, "waitpid": {"wait4"}, "truncate64": {"truncate"}, "ftruncate64": {"ftruncate"},
	"oldstat": {"stat"}, "oldlstat": {"lstat"}, "oldfstat": {"fstat"}, "olduname": {"uname"}, "oldolduname": {"uname"}, "readdir": {"getdents"},
}

func variantOf(name string) (base string, ok bool) {
	if name == "mmap2" {
		return "mmap", true
	}
	for _, suffix := range []string{"_time64", "64", "32"} {
		if base, ok = strings.CutSuffix(name, suffix); ok {
			return base, true
		}
	}
	return "", false
}
