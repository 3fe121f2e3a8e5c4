// SPDX-License-Identifier: Apache-2.0

package linux

func syscalls(arch Arch) table {
	switch arch {
	case AMD64:
		return syscallsAMD64
	case ARM64:
		return syscallsARM64
	case I386:
		return syscallsI386
	case X32:
		return syscallsX32
	case ARM:
		return syscallsARM
	}
	return nil
}

// Syscall returns the number of a system call. On X32 it contains bit 30, as it
// does in the register and in what a seccomp filter sees.
func Syscall(arch Arch, name string) (number int, ok bool) {
	return syscalls(arch).number(name)
}

// SyscallNames lists the system calls of an ABI in alphabetical order.
func SyscallNames(arch Arch) []string { return syscalls(arch).names() }

// SyscallArches lists the ABIs that have a system call of that name, in the
// order of Arches; none means that the name is unknown.
func SyscallArches(name string) []Arch {
	var known []Arch
	for _, a := range Arches() {
		if _, ok := Syscall(a, name); ok {
			known = append(known, a)
		}
	}
	return known
}
