// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

const (
	attached = "once the node loader has bound the image to the container's cgroup"
	unheld   = "what is not held is not reported"

	// refusesDirectories is what the check of a directory, which has to be short in
	// a kernel, refuses beyond what the policy says.
	refusesDirectories = "renaming a directory when rules tell its two names apart, although nothing that is blocked below the old one would be free below the new one"
)

// asked are the operations of `system` that the programs decide, and since when
// kernels ask about them: userns_create came with 6.1.
var asked = map[policy.SystemOperation]linux.KernelVersion{
	policy.Mount:  {},
	policy.BPF:    {},
	policy.UserNS: {Major: 6, Minor: 1},
}

// unasked are the ways into an operation that no hook is asked about.
var unasked = map[policy.SystemOperation]string{
	policy.Mount: "open_tree, fsmount and mount_setattr",
}

// lowerings says how each rule and default of a unit is held. Nothing is said about
// sections that the programs do not look at: a None would want to be accepted
// beside what other targets hold.
func lowerings(u *ir.Unit, pool *platform.Pool) []emit.Lowering {
	var out []emit.Lowering
	for _, p := range u.Policies {
		for _, s := range sections {
			if action, span, ok := p.Default(s); ok {
				r := policy.Rule{Section: s, Name: policy.BuiltinDefault, Action: action, Span: span}
				out = append(out, answer(u, pool, p, r, implied()))
			}
			for i, r := range p.Rules(s) {
				var about []policy.SystemOperation
				if s == policy.System {
					about = p.System.Rules[i].Operations
				}
				out = append(out, answer(u, pool, p, *r, about))
			}
		}
	}
	return out
}

// implied are the operations of `system` that are blocked without a rule.
func implied() []policy.SystemOperation {
	return slices.DeleteFunc(slices.Clone(policy.SystemOperations[:]), func(o policy.SystemOperation) bool { return o == policy.IOUring })
}

// answer says how a rule or default is held; about is for `system`.
func answer(u *ir.Unit, pool *platform.Pool, p *policy.Policy, r policy.Rule, about []policy.SystemOperation) emit.Lowering {
	l := emit.Lowering{Scope: u.Name, Policy: p, Rule: r.ID(), Span: r.Span, Action: r.Action, Target: name, Reason: attached}
	switch r.Section {
	case policy.System:
		operations(&l, pool, about)
	default:
		if r.Action == policy.Block {
			l.Refuses = []string{refusesDirectories}
		}
	}
	if l.Status == emit.None && r.Action != policy.Allow && !r.Quiet {
		l.Reports, l.ReportsReason = emit.None, unheld
	}
	return l
}

// operations answers for a rule about operations of `system`.
func operations(l *emit.Lowering, pool *platform.Pool, about []policy.SystemOperation) {
	var held, partly, later, older []string
	for _, o := range about {
		switch since, known := asked[o]; {
		case !known:
			later = append(later, o.String())
		case !pool.Kernel.AtLeast(since):
			older = append(older, fmt.Sprintf("%s: kernels ask about it from %s on", o, since))
		case unasked[o] != "":
			partly = append(partly, o.String())
			older = append(older, fmt.Sprintf("%s: kernels do not ask about %s", o, unasked[o]))
		default:
			held = append(held, o.String())
		}
	}
	if len(later) > 0 {
		older = append(older, strings.Join(later, ", ")+": not in this release")
	}
	reason := strings.Join(older, "; ")
	switch {
	case reason == "" || l.Action == policy.Allow:
	case l.Action == policy.Audit:
		l.Reports, l.ReportsReason = emit.None, reason
	case len(held) == 0 && len(partly) == 0:
		l.Status, l.Reason = emit.None, reason
	default:
		l.Status, l.Reason, l.Parts = emit.Looser, reason, held
	}
}
