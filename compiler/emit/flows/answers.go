// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"cmp"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// Answers collects how a back-end holds the rules of all policies. A rule of
// which nothing is said is held exactly.
type Answers struct {
	Target string
	// Default says what an exact default of Block rests on.
	Default string

	notes map[note]*answer
	lost  map[*policy.Policy]string
}

type note struct {
	rule *policy.NetworkRule
	dir  policy.Direction
}

type answer struct {
	status  emit.Status
	reasons []string // why the status is not Exact
	rests   []string // what Exact rests on
}

func (a *Answers) at(r *Rule) *answer {
	if a.notes == nil {
		a.notes = map[note]*answer{}
	}
	k := note{r.Source, r.Direction}
	if a.notes[k] == nil {
		a.notes[k] = &answer{}
	}
	return a.notes[k]
}

// Not notes that a rule is not held exactly in its direction: Looser or None.
func (a *Answers) Not(r *Rule, s emit.Status, reason string) {
	at := a.at(r)
	at.status = max(at.status, s)
	at.reasons = add(at.reasons, reason)
}

// Rests notes what an exact answer rests on.
func (a *Answers) Rests(r *Rule, reason string) {
	at := a.at(r)
	at.rests = add(at.rests, reason)
}

// Lost notes that nothing of a policy is emitted.
func (a *Answers) Lost(p *policy.Policy, reason string) {
	if a.lost == nil {
		a.lost = map[*policy.Policy]string{}
	}
	a.lost[p] = reason
}

func add(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// over joins the answers about the directions of a rule: None only when no
// direction is held at all.
func (a *Answers) over(r *policy.NetworkRule) answer {
	var out answer
	n, none := 0, 0
	for _, dir := range Directions {
		if !r.Direction.Includes(dir) {
			continue
		}
		n++
		at := a.notes[note{r, dir}]
		if at == nil {
			continue
		}
		out.status = max(out.status, at.status)
		if at.status == emit.None {
			none++
		}
		for _, s := range at.reasons {
			out.reasons = add(out.reasons, s)
		}
		for _, s := range at.rests {
			out.rests = add(out.rests, s)
		}
	}
	if none > 0 && none < n {
		out.status = emit.Looser
	}
	return out
}

// Reasons that hold for every plugin.
const (
	hostNetwork = "the pods use the network of their node, where policies of pods do not apply"
	auditMode   = "the policy is in mode Audit, and a plugin cannot report without enforcing"
	silentBlock = "the plugin drops silently; what it logs by itself is no report"
	silentAllow = "a plugin does not report what it allows"
)

// lowerings returns the answers about every policy with a network section.
func (a *Answers) lowerings(program *ir.Program, plans []*Plan) []emit.Lowering {
	var out []emit.Lowering
	for _, p := range plans {
		a.beyond(p)
	}
	for _, p := range plans {
		held := a.policy(p)
		var onHost []*policy.Workload
		for _, w := range p.Workloads {
			if w.HostNetwork {
				onHost = append(onHost, w)
			}
		}
		if len(onHost) == 0 || len(onHost) < len(p.Workloads) {
			out = append(out, scoped(held, p.Name)...)
			for _, w := range onHost {
				out = append(out, none(scoped(held, p.Name+"_"+strings.ToLower(w.Kind)+"-"+w.Name), hostNetwork)...)
			}
		} else {
			out = append(out, none(scoped(held, p.Name), hostNetwork)...)
		}
	}
	for _, p := range audits(program) {
		alone := &Plan{PodNetwork: &ir.PodNetwork{Name: p.Namespace + "-" + p.Name, Policy: p}}
		out = append(out, none(scoped(a.policy(alone), alone.Name), auditMode)...)
	}
	return out
}

// beyond notes what rules say of families that no plugin sees. An Allow of them
// beside INET and INET6 is held: nothing blocks them.
func (a *Answers) beyond(p *Plan) {
	for i := range p.Sides {
		for _, r := range slices.Concat(p.Sides[i].allows, p.Sides[i].Own) {
			switch {
			case r.Beyond && len(r.Boxes) == 0:
				a.Not(r, emit.None, noFamily)
			case r.Beyond && r.Source.Action == policy.Block:
				a.Not(r, emit.Looser, noFamily)
			}
		}
	}
}

func scoped(ls []emit.Lowering, scope string) []emit.Lowering {
	ls = slices.Clone(ls)
	for i := range ls {
		ls[i].Scope = scope
	}
	return ls
}

// none turns answers into those about pods for which nothing is enforced.
func none(ls []emit.Lowering, reason string) []emit.Lowering {
	for i := range ls {
		ls[i].Status, ls[i].Reason, ls[i].Causes = emit.None, reason, nil
	}
	return ls
}

// audits lists the policies in mode Audit with a network section, by name.
func audits(program *ir.Program) []*policy.Policy {
	seen := map[string]*policy.Policy{}
	for _, u := range program.Units {
		for _, p := range u.Policies {
			if p.Mode == policy.AuditMode && p.Network != nil && seen[p.ID()] == nil {
				seen[p.ID()] = p
			}
		}
	}
	var out []*policy.Policy
	for _, p := range seen {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *policy.Policy) int { return cmp.Compare(a.ID(), b.ID()) })
	return out
}

// policy returns the answers about the rules and the default of one policy.
func (a *Answers) policy(p *Plan) []emit.Lowering {
	pol := p.Policy
	action, span, _ := pol.Default(policy.Network)
	d := a.lowering(pol, policy.Network.String()+"/"+policy.BuiltinDefault, action)
	d.Span = span
	if action == policy.Block {
		d.Reason = a.Default
		a.loosen(&d, p)
	}
	out := []emit.Lowering{d}
	for i := range pol.Network.Rules {
		r := &pol.Network.Rules[i]
		l := a.lowering(pol, r.ID(), r.Action)
		l.Span = r.Span
		if r.Quiet {
			l.Reports, l.ReportsReason = emit.Exact, ""
		}
		at := a.over(r)
		l.Status, l.Reason = at.status, strings.Join(at.reasons, "; ")
		if l.Status == emit.Exact && len(at.rests) > 0 {
			l.Reason = "rests on: " + strings.Join(at.rests, "; ")
		}
		out = append(out, l)
	}
	if reason, lost := a.lost[pol]; lost {
		return none(out, reason)
	}
	return out
}

func (a *Answers) lowering(p *policy.Policy, rule string, action policy.Action) emit.Lowering {
	l := emit.Lowering{Policy: p, Rule: rule, Action: action, Target: a.Target}
	switch action {
	case policy.Block:
		l.Reports, l.ReportsReason = emit.None, silentBlock
	case policy.Audit:
		l.Reports, l.ReportsReason = emit.None, silentAllow
	}
	return l
}

// loosen makes a default as loose as the Allows beside it. Those of other
// policies cannot be named as causes, which are rules of this one: the default
// itself is then what has to be accepted.
func (a *Answers) loosen(d *emit.Lowering, p *Plan) {
	var causes, others []string
	for i := range p.Sides {
		s := &p.Sides[i]
		if !s.Isolates {
			continue
		}
		for _, r := range s.Allows {
			at := a.notes[note{r.Source, r.Direction}]
			switch {
			case at == nil || at.status != emit.Looser:
			case r.Policy == p.Policy:
				causes = add(causes, r.Source.ID())
			default:
				others = add(others, r.Source.ID()+" of "+r.Policy.ID())
			}
		}
	}
	switch {
	case len(others) > 0:
		d.Status, d.Reason = emit.Looser, "as loose as the Allows beside it: "+strings.Join(append(causes, others...), ", ")
	case len(causes) > 0:
		d.Status, d.Reason, d.Causes = emit.Looser, "as loose as the Allows beside it: "+strings.Join(causes, ", "), causes
	}
}
