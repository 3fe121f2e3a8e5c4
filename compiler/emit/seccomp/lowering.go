// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/policy"
)

const (
	silent     = "a filter refuses without a report"
	unloggable = "the kernel logs system calls from 4.14 on"
	privileged = "runtimes run privileged containers without any filter"
	lineage    = "a filter does not see the lineage"
	otherTasks = "a filter does not see whose process is meant"
)

// lowerings says how each rule and default of the unit is held.
func (b *builder) lowerings(patched bool) []emit.Lowering {
	var out []emit.Lowering
	for _, p := range b.unit.Policies {
		if p.Syscalls != nil {
			out = append(out, b.syscalls(p, patched)...)
		}
		if p.Governs(policy.System) {
			out = append(out, b.system(p, patched)...)
		}
	}
	return out
}

// answer is what holds of any rule of the unit: how its Blocks and Audits are
// reported, and what exactness rests on.
func (b *builder) answer(p *policy.Policy, rule string, action policy.Action, patched bool) emit.Lowering {
	l := emit.Lowering{Scope: b.unit.Name, Policy: p, Rule: rule, Action: action, Target: name}
	switch {
	case b.unit.Container != nil && b.unit.Container.Privileged:
		l.Status, l.Reason = emit.None, privileged
	case emit.OwnSeccompProfile(b.unit):
		l.Status, l.Reason = emit.None, fmt.Sprintf("the container names a profile of its own, %s, which would be lost", b.unit.Container.SeccompProfile)
	case b.unit.Container == nil || !patched || b.unit.Container.Kind == policy.EphemeralContainer:
		file, _ := emit.SeccompProfile(b.unit)
		l.Reason = fmt.Sprintf("once the container names the profile: localhostProfile %s/%s", emit.SeccompFolder, file)
	}
	enforced := p.Mode == policy.Enforce
	switch {
	case action == policy.Allow:
	case action == policy.Block && enforced:
		l.Reports, l.ReportsReason = emit.None, silent
	case !b.logs():
		l.Reports, l.ReportsReason = emit.None, unloggable
	}
	return l
}

func (b *builder) syscalls(p *policy.Policy, patched bool) []emit.Lowering {
	d := b.answer(p, policy.Syscalls.String()+"/"+policy.BuiltinDefault, p.Syscalls.Default, patched)
	d.Span = p.Syscalls.DefaultSpan
	if b.floor && b.base.standIn != "" && d.Status == emit.Exact {
		d.Reason = strings.TrimPrefix(d.Reason+"; the floor is that of "+b.base.standIn+", the closest version that is known", "; ")
	}
	out := []emit.Lowering{d}
	for i := range p.Syscalls.Rules {
		r := &p.Syscalls.Rules[i].Rule
		l := b.answer(p, r.ID(), r.Action, patched)
		l.Span = r.Span
		if r.Quiet {
			l.Reports, l.ReportsReason = emit.Exact, ""
		}
		out = append(out, l)
	}
	if p.Syscalls.BaseNone {
		l := b.answer(p, "syscalls/base", policy.Block, patched)
		l.Span = p.Syscalls.BaseSpan
		if !b.floor && l.Status == emit.Exact {
			l.Status, l.Reason = emit.None, "base: None gives up the runtime's default profile"
		}
		out = append(out, l)
	}
	return out
}

// system answers for operations that a filter can tell apart.
func (b *builder) system(p *policy.Policy, patched bool) []emit.Lowering {
	var out []emit.Lowering
	if action, span, ok := p.Default(policy.System); ok {
		l := b.answer(p, policy.System.String()+"/"+policy.BuiltinDefault, action, patched)
		l.Span = span
		if l.Status == emit.Exact {
			l.Status, l.Reason = emit.Looser, "mount, userns, bpf and module are held; not ptrace and signal: "+otherTasks
			l.Parts = heldOf(policy.SystemOperations[:])
		}
		out = append(out, l)
	}
	if p.System == nil {
		return out
	}
	for i := range p.System.Rules {
		r := &p.System.Rules[i]
		l := b.answer(p, r.ID(), r.Action, patched)
		l.Span = r.Span
		var mask uint64
		for _, o := range r.Operations {
			mask |= 1 << o
		}
		switch {
		case l.Status == emit.None:
		case r.From != nil && r.Action == policy.Block:
			l.Status, l.Reason = emit.None, lineage
		case r.From != nil:
			l.Status, l.Reason = emit.Looser, lineage
		case r.Action == policy.Block && mask&holdable == 0:
			l.Status, l.Reason = emit.None, otherTasks
		case r.Action == policy.Block && mask&^holdable != 0:
			l.Status, l.Reason = emit.Looser, otherTasks
			l.Parts = heldOf(r.Operations)
		case r.Action == policy.Block && mask&(1<<policy.UserNS) != 0 && l.Reason == "":
			l.Reason = "clone3 answers ENOSYS, as in default profiles, since its flags are in memory"
		case r.Action == policy.Audit:
			l.Reports, l.ReportsReason = emit.None, "operations of system are not logged"
		}
		out = append(out, l)
	}
	return out
}

// heldOf lists those of the operations that a filter can refuse.
func heldOf(operations []policy.SystemOperation) []string {
	var out []string
	for _, o := range operations {
		if holdable&(1<<o) != 0 {
			out = append(out, o.String())
		}
	}
	return out
}
