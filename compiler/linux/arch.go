// SPDX-License-Identifier: Apache-2.0

// Package linux holds facts about Linux that no policy can change: system
// call numbers per architecture, capabilities, error numbers, address families
// and socket types, and the order of kernel versions.
//
// It is not a view of the machine it runs on: nothing here asks the running
// kernel, so that the same policy compiles to the same bytes everywhere.
package linux

import (
	"fmt"
	"slices"
	"strings"
)

//go:generate go run ./gen

// Arch is a system call ABI, under the name that Go uses for it. It is one of
// the constants below; a node has one of NodeArches, and its kernel may also
// serve the sub-architectures of that one.
type Arch string

// The ABIs that a seccomp profile for an amd64 or arm64 node must cover.
const (
	AMD64 Arch = "amd64" // x86-64
	ARM64 Arch = "arm64" // AArch64
	I386  Arch = "386"   // 32-bit x86, served by amd64 kernels
	X32   Arch = "x32"   // amd64 with 32-bit pointers; Go has no such port
	ARM   Arch = "arm"   // 32-bit ARM EABI, served by arm64 kernels
)

// Arches lists all ABIs: the node architectures first.
func Arches() []Arch { return []Arch{AMD64, ARM64, I386, X32, ARM} }

// NodeArches lists the ABIs that can be the architecture of a node. Their names
// are those of GOARCH and of the node label kubernetes.io/arch.
func NodeArches() []Arch { return []Arch{AMD64, ARM64} }

// ParseNodeArch returns the node architecture of that name, as Go and
// Kubernetes spell it.
func ParseNodeArch(name string) (Arch, error) {
	if a := Arch(name); slices.Contains(NodeArches(), a) {
		return a, nil
	}
	switch strings.ToLower(name) {
	case "x86_64", "x86-64", "x64", "amd64":
		return "", fmt.Errorf("unknown architecture %q: Kubernetes calls it %q", name, AMD64)
	case "aarch64", "arm64", "arm64v8", "armv8":
		return "", fmt.Errorf("unknown architecture %q: Kubernetes calls it %q", name, ARM64)
	}
	return "", fmt.Errorf("unknown architecture %q: want amd64 or arm64", name)
}

// OCI returns the ABI's name in a seccomp profile (SCMP_ARCH_*), as defined by
// the OCI runtime specification.
func (a Arch) OCI() string {
	switch a {
	case AMD64:
		return "SCMP_ARCH_X86_64"
	case ARM64:
		return "SCMP_ARCH_AARCH64"
	case I386:
		return "SCMP_ARCH_X86"
	case X32:
		return "SCMP_ARCH_X32"
	case ARM:
		return "SCMP_ARCH_ARM"
	}
	return ""
}

// SubArches lists the further ABIs through which programs on a node of
// architecture a can call the kernel. A filter that does not cover them all is
// one that a 32-bit program walks around.
func (a Arch) SubArches() []Arch {
	switch a {
	case AMD64:
		return []Arch{I386, X32}
	case ARM64:
		return []Arch{ARM}
	}
	return nil
}
