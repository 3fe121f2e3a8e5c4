// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// lowerings says how each rule and default of the unit is held.
func (b *builder) lowerings(attached bool) []emit.Lowering {
	var out []emit.Lowering
	for _, p := range b.unit.Policies {
		for _, s := range []policy.Section{policy.Process, policy.File, policy.Network, policy.Capabilities, policy.System} {
			out = append(out, b.section(p, s, attached)...)
		}
	}
	return out
}

// answer is what holds of any rule: what exactness rests on, and how it is
// reported.
func (b *builder) answer(p *policy.Policy, rule string, action policy.Action) emit.Lowering {
	l := emit.Lowering{Scope: b.unit.Name, Policy: p, Rule: rule, Action: action, Target: name}
	switch c := b.unit.Container; {
	case c != nil && c.Privileged:
		l.Status, l.Reason = emit.None, privileged
	case emit.OwnAppArmorProfile(b.unit) && c.AppArmorProfile == policy.AppArmorUnconfined:
		l.Status, l.Reason = emit.None, "the container asks to run without an AppArmor profile"
	case emit.OwnAppArmorProfile(b.unit):
		l.Status, l.Reason = emit.None, fmt.Sprintf("the container names a profile of its own, %s, which would be lost", c.AppArmorProfile)
	}
	return l
}

// section answers for one section of a policy.
func (b *builder) section(p *policy.Policy, s policy.Section, attached bool) []emit.Lowering {
	if !p.Governs(s) {
		return nil
	}
	var rules []emit.Lowering
	for i, r := range p.Rules(s) {
		if s == policy.Network && !aboutFamilies(&p.Network.Rules[i]) {
			continue
		}
		l := b.answer(p, r.ID(), r.Action)
		l.Span = r.Span
		if l.Status == emit.Exact {
			b.rule(&l, p, r, i)
		}
		rules = append(rules, l)
	}
	out := rules
	if action, span, ok := p.Default(s); ok && s != policy.Network {
		d := b.answer(p, s.String()+"/"+policy.BuiltinDefault, action)
		d.Span = span
		if d.Status == emit.Exact {
			b.byDefault(&d, p, s)
			asLooseAs(&d, rules)
		}
		out = append([]emit.Lowering{d}, rules...)
	}
	for i := range out {
		b.rest(&out[i], attached)
	}
	return out
}

// asLooseAs makes a default that is exact by itself as loose as the Allows beside
// it. One with reasons of its own is accepted by its own name, so it gets no causes.
func asLooseAs(d *emit.Lowering, rules []emit.Lowering) {
	if d.Action != policy.Block || d.Status != emit.Exact {
		return
	}
	for _, l := range rules {
		if l.Action != policy.Block && l.Status == emit.Looser {
			d.Causes = append(d.Causes, l.Rule)
		}
	}
	if len(d.Causes) > 0 {
		d.Status, d.Reason = emit.Looser, "as loose as the Allows beside it"
	}
}

// rest says what an exact answer rests on, and how policies in mode Audit report.
func (b *builder) rest(l *emit.Lowering, attached bool) {
	c := b.unit.Container
	if l.Status == emit.Exact && l.Reason == "" && (c == nil || !attached || c.Kind == policy.EphemeralContainer) {
		l.Reason = "once the container names the profile: localhostProfile " + b.name
	}
	switch {
	case l.Action != policy.Block:
	case l.Status == emit.None:
		l.Reports, l.ReportsReason = emit.None, "what is not held is not reported"
	case l.Policy.Mode == policy.AuditMode:
		if l.Reports, l.ReportsReason = b.auditReports(l); l.Reports == emit.None {
			l.Status, l.Reason, l.Parts, l.Refuses = emit.None, "the policy is in mode Audit, and nothing would report", nil, nil
		}
	case attached && c != nil && strings.HasPrefix(l.Rule, policy.Capabilities.String()+"/"):
		l.Reports, l.ReportsReason = emit.None, "securitycontext takes the capability from the container, and the kernel refuses it before AppArmor is asked"
	}
}

// auditReports: a profile reports what it refuses, in complain form what it would
// refuse, and uses of paths that a rule with `audit` names.
func (b *builder) auditReports(l *emit.Lowering) (emit.Status, string) {
	section, _, _ := strings.Cut(l.Rule, "/")
	byDefault := strings.HasSuffix(l.Rule, "/"+policy.BuiltinDefault)
	alone := b.audits && len(b.unit.Audits) == 1
	switch {
	case section == policy.System.String(), section == policy.Network.String() && !alone:
		return emit.None, "a profile does not report what it allows of sockets and operations of system"
	case section == policy.Capabilities.String() && !alone, byDefault && !alone:
		return emit.None, "only a profile that is about one policy alone reports what that would block by default"
	case section == policy.File.String() && byDefault && !b.complain:
		return emit.None, "only a profile in complain form could report it, and a process can leave that unless the manifest says allowPrivilegeEscalation: false"
	case section == policy.Process.String():
		return emit.Looser, "every exec is reported, and the event names those that would be blocked"
	case l.Status != emit.Exact:
		return emit.Looser, "the report does not tell the accesses apart that AppArmor has one permission for"
	}
	return emit.Exact, ""
}

// gaps collects reasons.
type gaps []string

func (g *gaps) when(condition bool, reason string) {
	if condition && !slices.Contains(*g, reason) {
		*g = append(*g, reason)
	}
}

func (g gaps) put(l *emit.Lowering) {
	if len(g) > 0 {
		l.Status, l.Reason = emit.Looser, strings.Join(g, "; ")
	}
}

// rule answers for one rule, the one with index i in its section of the policy.
func (b *builder) rule(l *emit.Lowering, p *policy.Policy, r *policy.Rule, i int) {
	if r.Quiet || r.Action == policy.Allow {
		l.Reports, l.ReportsReason = emit.Exact, ""
	}
	var g gaps
	if r.From != nil {
		if r.Action == policy.Block && !b.surely(p, r) {
			l.Status, l.Reason = emit.None, b.lineageReason()
			return
		}
		g.when(true, b.lineageReason())
		g.when(true, ReasonInterpreter)
		if r.Action == policy.Audit {
			l.Reports, l.ReportsReason = emit.Looser, "processes of which the lineage is not known are reported too, as uncertain"
		}
		l.Refuses = append(l.Refuses, RefusesScript)
		if !b.stacked && len(b.domains.all) > 1 {
			l.Refuses = append(l.Refuses, RefusesNNP)
		}
	}
	switch r.Section {
	case policy.Process, policy.File:
		if !b.path(l, &g, b.pathRule(p, r)) {
			return
		}
	case policy.Network:
		b.network(l, &g, &p.Network.Rules[i])
	case policy.System:
		b.operations(l, &g, &p.System.Rules[i])
	}
	if l.Status == emit.Exact {
		g.put(l)
	}
}

func (b *builder) lineageReason() string {
	if b.domains.limited {
		return ReasonLineage + "; " + ReasonLimit
	}
	return ReasonLineage
}

// surely says whether some profile is sure that the rule's condition holds.
func (b *builder) surely(p *policy.Policy, r *policy.Rule) bool {
	if p.Mode == policy.AuditMode || b.layer.Paths == nil {
		return false
	}
	cond := b.condition(r)
	return cond != ir.Always && slices.ContainsFunc(b.domains.all, func(d domain) bool { return holds(b.layer, d.known, cond) == surely })
}

// condition finds the index of a rule's condition in the layer.
func (b *builder) condition(r *policy.Rule) int {
	for _, pr := range b.layer.Paths.Rules {
		if pr.Rule == r {
			return pr.Cond
		}
	}
	for _, t := range []*ir.MaskTable{b.layer.Capabilities, b.layer.System} {
		if t == nil {
			continue
		}
		for _, g := range t.Groups {
			if g.Rule == r {
				return g.Cond
			}
		}
	}
	if b.layer.Network != nil {
		for i := range b.layer.Network.Rules {
			if nr := &b.layer.Network.Rules[i]; nr.Rule == r {
				return nr.Cond
			}
		}
	}
	return ir.Always
}

// byDefault answers for the default of a section.
func (b *builder) byDefault(l *emit.Lowering, p *policy.Policy, s policy.Section) {
	if (s == policy.File || s == policy.Process) && len(b.domains.all) > 1 {
		l.Refuses = append(l.Refuses, RefusesLink)
	}
	if l.Action == policy.Allow {
		return
	}
	blocks := l.Action == policy.Block
	var g gaps
	switch s {
	case policy.Process:
		g.when(blocks, ReasonInterpreter)
		g.when(blocks && b.movable(), ReasonCarry)
		g.when(blocks && b.allowsLoader(), ReasonLoader)
	case policy.File:
		g.when(blocks, ReasonUnmediated)
		g.when(blocks && b.movable(), ReasonCarry)
		g.when(blocks && b.movable(), ReasonLink)
	case policy.System:
		l.Parts = b.held(policy.SystemOperations[:])
		g.when(true, reasonSystem)
		g.when(true, reasonMountFD)
		g.when(b.severalDomains(), reasonTasks)
	}
	g.put(l)
}
