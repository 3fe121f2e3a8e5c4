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

// What AppArmor lets pass although the policy says Block. The tests of the kernel
// read these sentences: a difference that none of them announces is a failure.
const (
	ReasonInterpreter = "the interpreter of a #! script is not checked, nor known as the image that runs"
	ReasonCarry       = "a file, or a directory above it, can be renamed or linked out of the rule's reach"
	ReasonLineage     = "which image runs is known of programs that rules name without wildcards, not of the container's first process"
	ReasonLimit       = "lineages beyond the limits of 12 targets and 64 profiles are not told apart"
	ReasonBundle      = "write, create, delete, chmod and chown are one permission, which rename needs too"
	ReasonUnmediated  = "times and extended attributes are not mediated"
	ReasonAnonymous   = "memfd and deleted files are named like others"
	ReasonLink        = "which files may be linked is not told apart, only where their new names may be"
	ReasonImage       = "every program may be read and mapped by whatever changed domain, since the kernel asks the new domain for its image"
	ReasonLoader      = "no dynamic loader is refused, since a rule allows one"
	reasonPeers       = "AppArmor mediates families of sockets, not peers or ports, and inet sockets are also used for loopback and replies"
	reasonUnknown     = "apparmor_parser does not know every family or type of the rule"
	reasonMountFD     = "mounts made through descriptors (open_tree, fsmount) are refused only when they are attached, and before kernel 6.7 not at all"
	reasonTasks       = "domains of one container may signal and trace each other"
	reasonShared      = "containers with the same profile count as one"
	reasonSystem      = "AppArmor mediates mount, ptrace and signal, not userns, bpf, module and io_uring"
)

// What AppArmor refuses although the policy allows it: too narrow to leave a rule
// out for it.
const (
	RefusesRename = "a rename needs read, so what may not be read is not renamed"
	RefusesLink   = "a hard link to a program must lead to the same domain as the program"
	RefusesScript = "a #! script counts as the image that runs, and its interpreter does not"
	RefusesImage  = "a program that may not be read or mapped is not started across a change of domain"
)

const privileged = "runtimes run privileged containers without an AppArmor profile"

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
	for _, r := range p.Rules(s) {
		if s == policy.Network && !aboutFamilies(p, r) {
			continue
		}
		l := b.answer(p, r.ID(), r.Action)
		l.Span = r.Span
		if l.Status == emit.Exact {
			b.rule(&l, p, r)
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
	alone := b.complain && len(b.unit.Audits) == 1
	switch {
	case section == policy.System.String() || section == policy.Network.String():
		return emit.None, "a profile reports neither sockets nor operations of system that it allows"
	case section == policy.Capabilities.String() && !alone, byDefault && !alone:
		return emit.None, "only a profile in complain form reports what is not allowed, and it has one policy"
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

// rule answers for one rule.
func (b *builder) rule(l *emit.Lowering, p *policy.Policy, r *policy.Rule) {
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
		l.Refuses = append(l.Refuses, RefusesScript)
	}
	switch r.Section {
	case policy.Process, policy.File:
		if !b.path(l, &g, b.pathRule(p, r)) {
			return
		}
	case policy.Network:
		b.network(l, &g, connections(p, r))
	case policy.System:
		b.operations(l, &g, p, r)
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

// pathRule finds a rule of process or file in the unit's layers.
func (b *builder) pathRule(p *policy.Policy, r *policy.Rule) *ir.PathRule {
	for _, l := range append([]*ir.Layer{b.unit.Enforced}, b.unit.Audits...) {
		if l.Paths == nil || !slices.Contains(l.Policies, p) {
			continue
		}
		for _, pr := range l.Paths.Rules {
			if pr.Rule == r {
				return pr
			}
		}
	}
	panic("apparmor: a rule is in no layer") // lower puts each in one
}

// path answers for a rule of process or file. It returns false when that is all.
func (b *builder) path(l *emit.Lowering, g *gaps, r *ir.PathRule) bool {
	blocks := r.Rule.Action == policy.Block
	if blocks && len(r.Globs) == 0 {
		l.Status, l.Reason = emit.None, ReasonAnonymous
		return false
	}
	if r.Rule.Section == policy.Process {
		g.when(blocks, ReasonInterpreter)
		g.when(blocks && b.movable(), ReasonCarry)
		g.when(blocks && r.Anonymous, ReasonAnonymous)
		g.when(blocks && b.allowsLoader(), ReasonLoader)
		return true
	}
	if !blocks {
		t := b.layer.Paths
		if t != nil && t.File != nil && t.File.Action == policy.Block {
			g.when(r.Cond != ir.Always && strings.ContainsAny(granted(r.Access), "rm"), ReasonImage)
			more := granted(r.Access)
			g.when(strings.Contains(more, "w") && r.Access&bundle != bundle || strings.Contains(more, "r") && r.Access&policy.AccessRead == 0, ReasonBundle)
		}
		return true
	}
	if r.Access&policy.AccessRead != 0 && r.Access&policy.AccessRename == 0 {
		l.Refuses = append(l.Refuses, RefusesRename)
	}
	if r.Access&(policy.AccessRead|policy.AccessMap) != 0 && len(b.domains.all) > 1 && (!b.stacked || r.Cond != ir.Always) {
		l.Refuses = append(l.Refuses, RefusesImage)
	}
	left := inexpressible(r.Access)
	if denied(r.Access) == "" && r.Access&policy.AccessLink == 0 {
		l.Status, l.Reason = emit.None, ReasonBundle+": block them together"
		if r.Access&^unmediated == 0 {
			l.Reason = ReasonUnmediated
		}
		return false
	}
	g.when(left&^unmediated != 0, ReasonBundle)
	g.when(left&unmediated != 0, ReasonUnmediated)
	g.when(r.Anonymous, ReasonAnonymous)
	g.when(b.movable(), ReasonCarry)
	return true
}

// allowsLoader says whether dynamic loaders can be started although the policy
// blocks something of process.
func (b *builder) allowsLoader() bool {
	t := b.layer.Paths
	return t != nil && t.Process != nil && t.BlocksAnything(policy.Process) && !b.deniesLoader(b.domains.all[0].known)
}

// movable says whether anything can be renamed: that needs `rw` at the old name.
func (b *builder) movable() bool {
	t := b.layer.Paths
	if t == nil || t.File == nil || t.File.Action != policy.Block {
		return true
	}
	return slices.ContainsFunc(t.Rules, func(r *ir.PathRule) bool {
		return r.Rule.Section == policy.File && r.Rule.Action != policy.Block && strings.Contains(granted(r.Access), "w")
	})
}

// aboutFamilies says whether a rule about connections names other families than
// INET: what is about INET alone is left to the back-ends that know peers.
func aboutFamilies(p *policy.Policy, r *policy.Rule) bool {
	return slices.ContainsFunc(connections(p, r).Families, func(f string) bool { return !inet(f) })
}

// connections finds a rule with its objects.
func connections(p *policy.Policy, r *policy.Rule) *policy.NetworkRule {
	for i := range p.Network.Rules {
		if n := &p.Network.Rules[i]; &n.Rule == r {
			return n
		}
	}
	panic("apparmor: a rule is not in its policy")
}

// network answers for a rule about families of sockets.
func (b *builder) network(l *emit.Lowering, g *gaps, n *policy.NetworkRule) {
	bare := len(n.Peers) == 0 && len(n.Ports) == 0 && len(n.HTTP) == 0 && n.Direction == policy.BothDirections
	switch {
	case n.Action == policy.Allow:
	case !bare:
		l.Status, l.Reason = emit.None, reasonPeers
	default:
		known := func(names, all []string) bool {
			return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(all, n) })
		}
		g.when(slices.ContainsFunc(n.Families, inet), reasonPeers)
		g.when(!known(n.Families, families) || !known(n.Types, types), reasonUnknown)
	}
}

// operations answers for a rule of `system`.
func (b *builder) operations(l *emit.Lowering, g *gaps, p *policy.Policy, r *policy.Rule) {
	if r.Action == policy.Allow {
		return
	}
	var asked []policy.SystemOperation
	for i := range p.System.Rules {
		if &p.System.Rules[i].Rule == r {
			asked = p.System.Rules[i].Operations
		}
	}
	if l.Parts = b.held(asked); len(l.Parts) == 0 && !slices.Contains(asked, policy.Mount) {
		l.Status, l.Reason = emit.None, reasonSystem
		return
	}
	if len(l.Parts) > 0 {
		l.Reason = reasonShared
	}
	g.when(slices.Contains(asked, policy.Mount), reasonMountFD)
	g.when(b.severalDomains() && (slices.Contains(asked, policy.Ptrace) || slices.Contains(asked, policy.Signal)), reasonTasks)
	g.when(slices.ContainsFunc(asked, func(o policy.SystemOperation) bool { return !slices.Contains(mediated, o) }), reasonSystem)
}

// mediated are the operations of `system` that AppArmor asks about.
var mediated = []policy.SystemOperation{policy.Mount, policy.Ptrace, policy.Signal}

// held lists those of the operations that are held exactly.
func (b *builder) held(operations []policy.SystemOperation) []string {
	var out []string
	for _, o := range operations {
		if (o == policy.Ptrace || o == policy.Signal) && !b.severalDomains() {
			out = append(out, o.String())
		}
	}
	return out
}

// severalDomains says whether the layer tells lineages apart: then processes of
// one container may be in different domains.
func (b *builder) severalDomains() bool { return len(b.layer.Lineage.Conds) > 0 }

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
	if l.Action == policy.Audit && (s == policy.Process || s == policy.File) {
		l.Reports, l.ReportsReason = emit.Looser, "what a rule allows silently is reported too, and the event says so"
	}
	g.put(l)
}
