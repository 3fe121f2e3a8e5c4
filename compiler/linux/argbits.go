// SPDX-License-Identifier: Apache-2.0

package linux

// ArgBits returns how many bits of an argument (0 to 5) the kernel looks at on
// 64-bit architectures: 64, 32 for an int, 16 for a file mode. The register has
// 64, and so has what a seccomp filter sees: socket(1<<32|17, ...) opens a
// socket of family 17 (include/linux/syscalls.h, SYSCALL_DEFINE).
//
// A system call that is not known has 64 bits everywhere.
func ArgBits(call string, index int) int {
	w := argWidths[call]
	switch {
	case index >= len(w) || w[index] == 'l':
		return 64
	case w[index] == 'h':
		return 16
	}
	return 32
}
