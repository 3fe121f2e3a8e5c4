// SPDX-License-Identifier: Apache-2.0

package check

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// shadows finds the Allow and Audit rules of p whose every match Block rules of
// by match as well, and reports each with one of those. Only what is certain is
// found.
func shadows(p, by *policy.Policy, report func(r, block *policy.Rule)) {
	for _, s := range []policy.Section{policy.Process, policy.File} {
		if p.Paths(s) != nil && by.Paths(s) != nil {
			pathShadows(p.Paths(s).Rules, by.Paths(s).Rules, report)
		}
	}
	if p.Network != nil && by.Network != nil {
		networkShadows(p.Network.Rules, by.Network.Rules, report)
	}
	if p.Syscalls != nil && by.Syscalls != nil {
		blocks := map[string][]*policy.SyscallRule{}
		for i := range by.Syscalls.Rules {
			if b := &by.Syscalls.Rules[i]; b.Action == policy.Block {
				for _, n := range b.Names {
					blocks[n.Text] = append(blocks[n.Text], b)
				}
			}
		}
		for i := range p.Syscalls.Rules {
			r := &p.Syscalls.Rules[i]
			each(&r.Rule, r.Names, report, func(n policy.Pattern) *policy.Rule {
				for _, b := range blocks[n.Text] {
					if implies(r.Args, b.Args) {
						return &b.Rule
					}
				}
				return nil
			})
		}
	}
	if p.Capabilities != nil && by.Capabilities != nil {
		blocks := map[string][]*policy.Rule{}
		for i := range by.Capabilities.Rules {
			if b := &by.Capabilities.Rules[i]; b.Action == policy.Block {
				for _, n := range b.Names {
					blocks[n.Text] = append(blocks[n.Text], &b.Rule)
				}
			}
		}
		for i := range p.Capabilities.Rules {
			r := &p.Capabilities.Rules[i]
			each(&r.Rule, r.Names, report, func(n policy.Pattern) *policy.Rule { return anySubject(blocks[n.Text], r.From) })
		}
	}
	if p.System != nil && by.System != nil {
		blocks := map[policy.SystemOperation][]*policy.Rule{}
		for i := range by.System.Rules {
			if b := &by.System.Rules[i]; b.Action == policy.Block {
				for _, o := range b.Operations {
					blocks[o] = append(blocks[o], &b.Rule)
				}
			}
		}
		for i := range p.System.Rules {
			r := &p.System.Rules[i]
			each(&r.Rule, r.Operations, report, func(o policy.SystemOperation) *policy.Rule { return anySubject(blocks[o], r.From) })
		}
	}
}

// each reports a rule that is no Block when all of its objects are blocked.
func each[T any](r *policy.Rule, objects []T, report func(r, block *policy.Rule), blocked func(T) *policy.Rule) {
	if r.Action == policy.Block {
		return
	}
	var first *policy.Rule
	for _, o := range objects {
		b := blocked(o)
		if b == nil {
			return
		}
		if first == nil {
			first = b
		}
	}
	if first != nil {
		report(r, first)
	}
}

// implies says whether arguments that meet all of given surely meet all of
// wanted.
func implies(given, wanted []policy.Arg) bool {
	for _, w := range wanted {
		if !slices.ContainsFunc(given, func(g policy.Arg) bool {
			return g == w || g.Index == w.Index && g.Op == policy.ArgEqual && w.Holds(g.Value)
		}) {
			return false
		}
	}
	return true
}

// sameSubject says whether a Block applies to every process that a rule with
// the condition from applies to.
func sameSubject(block *policy.Rule, from *policy.From) bool {
	return block.From == nil || from != nil && fromKey(block.From) == fromKey(from)
}

func anySubject(blocks []*policy.Rule, from *policy.From) *policy.Rule {
	for _, b := range blocks {
		if sameSubject(b, from) {
			return b
		}
	}
	return nil
}
