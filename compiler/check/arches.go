// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// archSyscalls reports system calls that no architecture of the pools has.
func archSyscalls(p *policy.Policy, pools []*platform.Pool, list *diag.List) {
	if p.Syscalls == nil {
		return
	}
	var arches []linux.Arch
	for _, pool := range pools {
		for _, a := range pool.Architectures {
			arches = append(append(arches, a), a.SubArches()...)
		}
	}
	slices.Sort(arches)
	arches = slices.Compact(arches)
	for i := range p.Syscalls.Rules {
		for _, n := range p.Syscalls.Rules[i].Names {
			if !slices.ContainsFunc(arches, func(a linux.Arch) bool { _, ok := linux.Syscall(a, n.Text); return ok }) {
				var has []string
				for _, a := range linux.SyscallArches(n.Text) {
					has = append(has, string(a))
				}
				list.Report(diag.UnknownSyscall, n.Span, fmt.Sprintf("no pool has the system call %s", n.Text), diag.Hint("it is one of %s", strings.Join(has, ", ")))
			}
		}
	}
}
