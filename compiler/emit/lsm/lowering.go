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
	attached   = "once the node loader has bound the image to the container's cgroup"
	notYet     = "not in this release"
	otherTasks = "not in this release: the programs do not see whose process is meant"
	unheld     = "what is not held is not reported"

	// refusesDirectories is what the check of a directory, which has to be short in
	// a kernel, refuses beyond what the policy says.
	refusesDirectories = "renaming a directory when rules tell its two names apart, although nothing that is blocked below the old one would be free below the new one"
)

// userNamespaces is when kernels began to ask about them (userns_create).
var userNamespaces = linux.KernelVersion{Major: 6, Minor: 1}

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
	var held, missed []string
	for _, o := range about {
		if why := missing(o, pool); why != "" {
			missed = append(missed, fmt.Sprintf("%s: %s", o, why))
		} else {
			held = append(held, o.String())
		}
	}
	reason := strings.Join(missed, "; ")
	switch {
	case len(missed) == 0 || l.Action == policy.Allow:
	case l.Action == policy.Audit:
		l.Reports, l.ReportsReason = emit.None, reason
	case len(held) == 0:
		l.Status, l.Reason = emit.None, reason
	default:
		l.Status, l.Reason, l.Parts = emit.Looser, reason, held
	}
}

// missing says why an operation is not held on a pool, or "".
func missing(o policy.SystemOperation, pool *platform.Pool) string {
	switch o {
	case policy.Mount, policy.BPF:
		return ""
	case policy.UserNS:
		if !pool.Kernel.AtLeast(userNamespaces) {
			return fmt.Sprintf("kernels ask about it from %s on", userNamespaces)
		}
		return ""
	case policy.Ptrace, policy.Signal:
		return otherTasks
	}
	return notYet
}
