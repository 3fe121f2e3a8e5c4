// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"slices"
	"strings"
	"sync"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
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

// multiplexed are further calls of 32-bit programs that do what others do, with
// arguments that stand elsewhere or in memory. args tell which part of a call it
// is (net/socket.c, ipc/syscall.c).
//
// A Block with conditions refuses the whole part with ENOSYS, so that C libraries
// fall back to the call itself, since the filter cannot look at its arguments.
var multiplexed = func() map[string][]multiplex {
	m := map[string][]multiplex{}
	for number, base := range map[uint64]string{
		1: "socket", 2: "bind", 3: "connect", 4: "listen", 5: "accept", 6: "getsockname", 7: "getpeername", 8: "socketpair",
		11: "sendto", 12: "recvfrom", 13: "shutdown", 14: "setsockopt", 15: "getsockopt", 16: "sendmsg", 17: "recvmsg",
		18: "accept4", 19: "recvmmsg", 20: "sendmmsg",
	} {
		m["socketcall"] = append(m["socketcall"], multiplex{base, []policy.Arg{{Index: 0, Op: policy.ArgEqual, Value: number}}})
	}
	for number, base := range map[uint64]string{
		1: "semop", 2: "semget", 3: "semctl", 4: "semtimedop", 11: "msgsnd", 12: "msgrcv", 13: "msgget", 14: "msgctl",
		21: "shmat", 22: "shmdt", 23: "shmget", 24: "shmctl",
	} {
		m["ipc"] = append(m["ipc"], multiplex{base, []policy.Arg{{Index: 0, Op: policy.ArgMaskedEqual, Mask: 0xffff, Value: number}}})
	}
	for name, base := range map[string]string{
		"_newselect": "select", "_llseek": "lseek", "arm_fadvise64_64": "fadvise64", "arm_sync_file_range": "sync_file_range",
		"umount": "umount2", "waitpid": "wait4", "truncate64": "truncate", "ftruncate64": "ftruncate",
		"oldstat": "stat", "oldlstat": "lstat", "oldfstat": "fstat", "olduname": "uname", "oldolduname": "uname", "readdir": "getdents",
	} {
		m[name] = []multiplex{{base, nil}}
	}
	for _, parts := range m {
		slices.SortFunc(parts, func(a, b multiplex) int { return strings.Compare(a.base, b.base) })
	}
	return m
}()

// multiplex is a part of a call and what it does.
type multiplex struct {
	base string
	args []policy.Arg
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
