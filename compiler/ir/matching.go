// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// Matching returns all rules of the layer that match an operation or, of a
// rename, link or exec, one of the uses that it consists of; in file and
// document order.
func (l *Layer) Matching(op policy.Operation) []Source {
	s := l.StateOf(op.Lineage)
	var out []Source
	add := func(source Source, matches bool) {
		if matches {
			out = append(out, source)
		}
	}
	switch op.Kind {
	case policy.OpNetwork:
		if l.Network != nil && !op.Flow.Loopback && !op.Flow.Reply {
			if op.Flow.Family == "" {
				op.Flow.Family = "inet"
			}
			for i := range l.Network.Rules {
				r := &l.Network.Rules[i]
				add(r.Source, l.Lineage.Holds(r.Cond, s) && r.Matches(op.Flow))
			}
		}
	case policy.OpSyscall:
		if l.Syscalls != nil && l.Syscalls.Calls[op.Syscall.Name] != nil {
			for _, c := range l.Syscalls.Calls[op.Syscall.Name].Cases {
				add(c.Source, c.Holds(op.Syscall.Args))
			}
		}
	case policy.OpCapability:
		out = l.Capabilities.matching(l, s, CapabilityBit(op.Capability))
	case policy.OpSystem:
		out = l.System.matching(l, s, 1<<op.System)
	default:
		out = l.matchingPaths(s, op)
	}
	return out
}

func (t *MaskTable) matching(l *Layer, s State, bit uint64) []Source {
	var out []Source
	if t != nil {
		for _, g := range t.Groups {
			if g.Mask&bit != 0 && l.Lineage.Holds(g.Cond, s) {
				out = append(out, g.Source)
			}
		}
	}
	return out
}

// used is one use that an operation consists of.
type used struct {
	section policy.Section
	access  policy.Access
	object  policy.Object
}

func usesOf(op policy.Operation) []used {
	file := func(access policy.Access, o policy.Object) used { return used{policy.File, access, o} }
	switch op.Kind {
	case policy.OpExec:
		var out []used
		for _, image := range op.Images {
			if image.Class == policy.Unnamed {
				image.Class = policy.Anonymous
			}
			out = append(out, used{policy.Process, policy.AccessExec, image})
		}
		return out
	case policy.OpFile:
		return []used{file(op.Access, op.Object)}
	case policy.OpLink:
		return []used{file(policy.AccessLink, op.Object), file(policy.AccessCreate, op.Target)}
	}
	out := []used{file(policy.AccessRename, op.Object), file(policy.AccessCreate, op.Target)}
	switch {
	case op.Exchange:
		out = append(out, file(policy.AccessRename, op.Target), file(policy.AccessCreate, op.Object))
	case op.TargetExists:
		out = append(out, file(policy.AccessDelete, op.Target))
	}
	return out
}

func (l *Layer) matchingPaths(s State, op policy.Operation) []Source {
	if l.Paths == nil {
		return nil
	}
	uses := usesOf(op)
	classes, labels := make([]policy.ObjectClass, len(uses)), make([]automata.Labels, len(uses))
	for i, u := range uses {
		classes[i], labels[i] = l.Paths.classify(u.object)
	}
	var out []Source
	for _, r := range l.Paths.Rules {
		for i, u := range uses {
			mapping := u.access == policy.AccessMap && r.Rule.Action == policy.Block && r.Cond == Always
			if l.matches(r, s, u.section, u.access, classes[i], labels[i], u.object.Path) ||
				mapping && l.matches(r, s, policy.Process, policy.AccessExec, classes[i], labels[i], u.object.Path) {
				out = append(out, r.Source)
				break
			}
		}
	}
	return out
}
