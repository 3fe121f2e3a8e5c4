// SPDX-License-Identifier: Apache-2.0

package selinux

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

const (
	auditMode  = "the policy is in mode Audit, and a type cannot report without enforcing"
	privileged = "runtimes do not confine the type of privileged containers"
	lineage    = "a container has one type, so the lineage is not seen"
	additive   = "the policy of the node may grant it, and a module takes nothing away before version 3.6 of the toolchain (selinux.toolchain of the pool)"
	plugin     = "INET and INET6 are left to the network plugin: SELinux sees no peers"
	takenAway  = "securitycontext takes the capability from the container, and the kernel refuses it before SELinux is asked"
	hushed     = "the policies of distributions silence some of these refusals"
	unheld     = "what is not held is not reported"
)

// answerer says how each rule and default of a unit is held.
type answerer struct {
	unit *ir.Unit
	pool *platform.Pool
	// patched holds when securitycontext patches the container.
	patched bool
}

func (a *answerer) lowerings() []emit.Lowering {
	var out []emit.Lowering
	for _, p := range a.unit.Policies {
		if p.Capabilities != nil {
			out = append(out, a.capabilities(p)...)
		}
		if p.Network != nil {
			out = append(out, a.network(p)...)
		}
		if p.Governs(policy.System) {
			out = append(out, a.system(p)...)
		}
	}
	return out
}

// answer is what holds of any rule of the unit.
func (a *answerer) answer(p *policy.Policy, r policy.Rule) emit.Lowering {
	l := emit.Lowering{Scope: a.unit.Name, Policy: p, Rule: r.ID(), Span: r.Span, Action: r.Action, Target: name}
	block, made := emit.SELinuxBlock(a.unit, a.pool)
	made = made && (r.Section == policy.Capabilities || emit.SELinuxDenies(a.pool))
	switch {
	case a.unit.Container != nil && a.unit.Container.Privileged:
		l.Status, l.Reason = emit.None, privileged
	case emit.OwnSELinuxType(a.unit):
		l.Status, l.Reason = emit.None, fmt.Sprintf("the container names a type of its own, %s, which would be lost", a.unit.Container.SELinux.Type)
	case p.Mode == policy.AuditMode:
		l.Status, l.Reason = emit.None, auditMode
	case r.Action == policy.Block && r.From != nil:
		l.Status, l.Reason = emit.None, lineage
	case r.Action == policy.Block && !emit.SELinuxDenies(a.pool):
		l.Status, l.Reason = emit.None, additive
	case r.From != nil:
		l.Status, l.Reason = emit.Looser, lineage
	case made && !a.patched:
		l.Reason = "once the container has the type: seLinuxOptions.type " + emit.SELinuxType(block)
	}
	switch {
	case r.Action == policy.Allow || r.Quiet:
	case l.Status == emit.None || !made:
		l.Reports, l.ReportsReason = emit.None, unheld
	case r.Action == policy.Audit && r.From != nil:
		l.Reports, l.ReportsReason = emit.Looser, lineage
	}
	return l
}

// unreported notes that a Block, though held, leaves no trace.
func unreported(l *emit.Lowering, reason string) {
	if l.Action == policy.Block && l.Status != emit.None {
		l.Reports, l.ReportsReason = emit.None, reason
	}
}

// partly turns an answer into one about a rule of which something is missed, or
// all when nothing is held.
func partly(l *emit.Lowering, held bool, missed []string) {
	if len(missed) == 0 || l.Status == emit.None {
		return
	}
	slices.Sort(missed)
	reason := strings.Join(slices.Compact(missed), "; ")
	switch {
	case l.Action == policy.Allow:
	case l.Action == policy.Audit:
		l.Reports, l.ReportsReason = emit.None, reason
	case held:
		l.Status, l.Reason = emit.Looser, reason
	default:
		l.Status, l.Reason = emit.None, reason
		l.Reports, l.ReportsReason = emit.None, unheld
	}
}

func (a *answerer) capabilities(p *policy.Policy) []emit.Lowering {
	silence := func(l *emit.Lowering, names ...string) {
		if a.patched {
			unreported(l, takenAway)
		} else if slices.Contains(names, "FSETID") || slices.Contains(names, "BLOCK_SUSPEND") {
			unreported(l, hushed)
		}
	}
	var out []emit.Lowering
	d := a.answer(p, policy.Rule{Section: policy.Capabilities, Name: policy.BuiltinDefault, Action: p.Capabilities.Default, Span: p.Capabilities.DefaultSpan})
	silence(&d, "FSETID")
	for i := range p.Capabilities.Rules {
		r := &p.Capabilities.Rules[i]
		l := a.answer(p, r.Rule)
		if l.Status == emit.Looser && d.Action == policy.Block && d.Status != emit.None {
			d.Status, d.Reason = emit.Looser, "as loose as the Allow beside it"
			d.Causes = append(d.Causes, r.ID())
		}
		if !r.Quiet {
			var names []string
			for _, n := range r.Names {
				names = append(names, n.Text)
			}
			silence(&l, names...)
		}
		out = append(out, l)
	}
	return append(out, d)
}

// network answers for rules that name other families than INET and INET6, and
// for nothing else.
func (a *answerer) network(p *policy.Policy) []emit.Lowering {
	var out []emit.Lowering
	for i := range p.Network.Rules {
		r := &p.Network.Rules[i]
		if !slices.ContainsFunc(r.Families, otherFamily) {
			continue
		}
		l := a.answer(p, r.Rule)
		held, missed := coverage(r)
		if slices.Contains(r.Families, "netlink") && !r.Quiet {
			unreported(&l, hushed)
		}
		partly(&l, held, missed)
		out = append(out, l)
	}
	return out
}

func otherFamily(family string) bool { return family != "inet" && family != "inet6" }

// coverage says whether some class of sockets is of a rule, and what of the rule
// is not held.
func coverage(r *policy.NetworkRule) (held bool, missed []string) {
	for _, family := range r.Families {
		classes := slices.DeleteFunc(slices.Clone(socketClasses), func(c socketClass) bool { return c.family != family })
		switch {
		case family == "inet" || family == "inet6":
			missed = append(missed, plugin)
		case r.Direction != policy.BothDirections:
			missed = append(missed, "a socket that is refused when it is made has no direction")
			continue
		case len(classes) == 0:
			missed = append(missed, "SELinux has no class for sockets of "+family)
		}
		for _, c := range classes {
			switch {
			case c.within(r.Families, r.Types):
				held = true
			case c.types == nil:
				missed = append(missed, "SELinux does not tell types of "+family+" sockets apart")
			case slices.ContainsFunc(c.types, func(t string) bool { return slices.Contains(r.Types, t) }):
				missed = append(missed, fmt.Sprintf("SELinux does not tell %s of %s apart", strings.Join(c.types, " and "), family))
			}
		}
	}
	return held, missed
}

func (a *answerer) system(p *policy.Policy) []emit.Lowering {
	var out []emit.Lowering
	if action, span, ok := p.Default(policy.System); ok {
		l := a.answer(p, policy.Rule{Section: policy.System, Name: policy.BuiltinDefault, Action: action, Span: span})
		a.operations(&l, slices.DeleteFunc(slices.Clone(policy.SystemOperations[:]), func(o policy.SystemOperation) bool { return o == policy.IOUring }))
		out = append(out, l)
	}
	if p.System == nil {
		return out
	}
	for i := range p.System.Rules {
		r := &p.System.Rules[i]
		l := a.answer(p, r.Rule)
		a.operations(&l, r.Operations)
		if r.Quiet {
			l.Reports, l.ReportsReason = emit.Exact, ""
		}
		out = append(out, l)
	}
	return out
}

// operations answers for a rule about operations.
func (a *answerer) operations(l *emit.Lowering, about []policy.SystemOperation) {
	if slices.Contains(about, policy.Mount) {
		unreported(l, hushed)
	}
	var exact, missed, restsOn []string
	held := false
	for _, o := range about {
		why := a.missed(o)
		switch {
		case why != "":
			missed = append(missed, why)
		case operations[o].restsOn != "":
			restsOn = append(restsOn, operations[o].restsOn)
			fallthrough
		default:
			exact = append(exact, o.String())
		}
		held = held || a.asks(o)
	}
	partly(l, held, missed)
	if l.Status == emit.None || l.Action != policy.Block {
		return
	}
	if len(restsOn) > 0 {
		l.Reason = strings.TrimPrefix(l.Reason+"; "+strings.Join(restsOn, "; "), "; ")
	}
	if l.Status == emit.Looser {
		l.Parts = exact
	}
}

// asks says whether the kernels of the pool ask SELinux about an operation.
func (a *answerer) asks(o policy.SystemOperation) bool {
	e, ok := operations[o]
	return ok && a.pool.Kernel.AtLeast(e.since)
}

// missed says what of an operation is not held, or "".
func (a *answerer) missed(o policy.SystemOperation) string {
	e, known := operations[o]
	switch {
	case !known:
		return "policies do not know what kernels ask SELinux about " + o.String()
	case !a.asks(o):
		return fmt.Sprintf("kernels ask SELinux about %s from %s on", o, e.since)
	case (o == policy.Signal || o == policy.Ptrace) && len(a.unit.Enforced.Lineage.Conds) > 0:
		return "processes of one container have one type, and may trace and signal each other"
	}
	return e.missed
}
