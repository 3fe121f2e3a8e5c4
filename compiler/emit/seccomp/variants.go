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
				if base, ok := variantOf(name); ok && !seen[name] && !native(name) && native(base) {
					seen[name] = true
					out[base] = append(out[base], name)
				}
			}
		}
	}
	return out
})

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
