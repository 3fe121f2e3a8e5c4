// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// eperm is EPERM of Linux, which a system call returns that a default blocks.
const eperm = 1

// decideSyscall decides entering a system call.
//
// Rule: rules first; what no rule names and the base allows is allowed; the
// default is for the rest. The base is the runtime's default profile unless
// every policy that has the section does without.
func decideSyscall(ps Policies, lineage []string, call policy.SyscallCall, base Base) policy.Verdict {
	var defaults []stated
	var matching []match
	based := false
	for _, p := range ps {
		if p.Syscalls == nil {
			continue
		}
		defaults = append(defaults, stated{p, p.Syscalls.Default, p.Syscalls.DefaultSpan})
		based = based || !p.Syscalls.BaseNone
		for i := range p.Syscalls.Rules {
			r := &p.Syscalls.Rules[i]
			if comesFrom(r.From, lineage) && coversCall(r, call) {
				matching = append(matching, match{policy: p, rule: &r.Rule, errno: r.Errno})
			}
		}
	}
	otherwise := strictest(policy.Syscalls, defaults)
	if otherwise.Action == policy.Block {
		otherwise.Errno = eperm
	}
	if based && base != nil && base(call) {
		otherwise = policy.Verdict{}
	}
	return weigh(matching, otherwise)
}

// coversCall: any of the names, and all conditions on arguments.
func coversCall(r *policy.SyscallRule, call policy.SyscallCall) bool {
	return contains(r.Names, call.Name) &&
		!slices.ContainsFunc(r.Args, func(a policy.Arg) bool { return !a.Holds(call.Args[a.Index]) })
}

// contains says whether a name is listed.
func contains(names []policy.Pattern, name string) bool {
	return slices.ContainsFunc(names, func(p policy.Pattern) bool { return p.Text == name })
}
