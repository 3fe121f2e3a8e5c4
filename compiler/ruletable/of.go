// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// Of returns the table of a unit that kernels know by a label. Domains may name
// states of u.Enforced.Lineage (see DomainOf); back-ends without domains give
// none. The error says that the unit has more than a table may have.
func Of(u *ir.Unit, label string, domains ...Domain) (*Table, error) {
	b := &builder{
		table: &Table{Version: Version, Unit: u.Name, Namespace: u.Namespace, Label: label, Domains: domains},
		atoms: map[string]int{},
	}
	// The atoms of the first layer that has any come first, in its order: domains
	// count on it.
	for _, l := range append([]*ir.Layer{u.Enforced}, u.Audits...) {
		for _, atom := range l.Lineage.Atoms {
			b.atom(atom)
		}
	}
	for _, p := range u.Policies {
		b.table.Policies = append(b.table.Policies, b.policy(p))
	}
	if err := b.table.resolve(); err != nil {
		return nil, fmt.Errorf("the table of rules for alerts: %w", err)
	}
	return b.table, nil
}

// File returns the name and the content of the table of a unit, for the folder
// of node files of a back-end.
func File(u *ir.Unit, label string, domains ...Domain) (name string, data []byte, err error) {
	t, err := Of(u, label, domains...)
	if err != nil {
		return "", nil, err
	}
	if data = t.Encode(); len(data) > MaxBytes {
		return "", nil, fmt.Errorf("the table of rules for alerts has more than %d MiB", MaxBytes>>20)
	}
	return u.Name + Extension, data, nil
}

// DomainOf describes a profile by the atoms of u.Enforced.Lineage that hold for
// all of its processes, and those that may hold for some. Its name is the last
// part of the profile's, or the label itself for the first profile.
func DomainOf(name string, holds, may ir.State) Domain {
	return Domain{
		Name: name, Exe: bits(holds.Current), Parent: bits(holds.Parent), Ancestor: bits(holds.Seen),
		MaybeExe: bits(may.Current), MaybeParent: bits(may.Parent), MaybeAncestor: bits(may.Seen),
	}
}

func bits(mask uint64) []int {
	var out []int
	for i := range 64 {
		if mask>>i&1 != 0 {
			out = append(out, i)
		}
	}
	return out
}

type builder struct {
	table *Table
	atoms map[string]int // joined patterns -> index
}

func (b *builder) atom(patterns []string) int {
	key := strings.Join(patterns, "\x00")
	i, ok := b.atoms[key]
	if !ok {
		i = len(b.table.Lineage)
		b.atoms[key] = i
		b.table.Lineage = append(b.table.Lineage, patterns)
	}
	return i
}

func (b *builder) field(patterns []policy.Pattern) *int {
	if len(patterns) == 0 {
		return nil
	}
	list := texts(patterns)
	slices.Sort(list) // as lower does
	i := b.atom(slices.Compact(list))
	return &i
}

func (b *builder) policy(p *policy.Policy) *Policy {
	out := &Policy{Namespace: p.Namespace, Name: p.Name, Mode: p.Mode.String(), Line: line(p.Span)}
	if f := p.Span.File; f != nil {
		out.File, out.Revision = f.Name, "sha256:"+f.Hash()
	}
	for _, s := range policy.Sections {
		if s == policy.Network && p.Network != nil {
			for _, d := range []policy.Direction{policy.Ingress, policy.Egress} {
				out.Defaults = append(out.Defaults, Default{Section: s.String(), Direction: d.String(), Action: p.Network.Default(d).String(), Line: line(p.Network.DefaultSpan)})
			}
		} else if action, span, ok := p.Default(s); ok {
			out.Defaults = append(out.Defaults, Default{Section: s.String(), Action: action.String(), Line: line(span)})
		}
		for _, r := range p.Rules(s) {
			out.Rules = append(out.Rules, b.rule(r))
		}
	}
	b.objects(p, out.Rules)
	return out
}

func (b *builder) rule(r *policy.Rule) *Rule {
	out := &Rule{Rule: r.ID(), Action: r.Action.String(), Line: line(r.Span), Quiet: r.Quiet}
	if f := r.From; f != nil {
		out.From = &From{Exe: b.field(f.Exe), Parent: b.field(f.Parent), Ancestor: b.field(f.Ancestor)}
	}
	return out
}

// objects fills in what rules match. They are in the order of the sections.
func (b *builder) objects(p *policy.Policy, rules []*Rule) {
	next := func() *Rule {
		r := rules[0]
		rules = rules[1:]
		return r
	}
	for _, section := range []*policy.PathSection{p.Process, p.File} {
		if section == nil {
			continue
		}
		for i := range section.Rules {
			paths(next(), &section.Rules[i])
		}
	}
	if p.Network != nil {
		for i := range p.Network.Rules {
			network(next(), &p.Network.Rules[i])
		}
	}
	if p.Syscalls != nil {
		for i := range p.Syscalls.Rules {
			r := next()
			r.Names, r.Args = texts(p.Syscalls.Rules[i].Names), len(p.Syscalls.Rules[i].Args) > 0
		}
	}
	if p.Capabilities != nil {
		for i := range p.Capabilities.Rules {
			next().Names = texts(p.Capabilities.Rules[i].Names)
		}
	}
	if p.System != nil {
		for i := range p.System.Rules {
			r := next()
			for _, o := range p.System.Rules[i].Operations {
				r.Names = append(r.Names, o.String())
			}
		}
	}
}

func paths(out *Rule, r *policy.PathRule) {
	out.Paths, out.Names, out.Anonymous = texts(r.Paths), texts(r.Names), r.Anonymous
	if r.Section == policy.File {
		for _, n := range policy.AccessNames {
			if r.Access&n.Access != 0 {
				out.Access = append(out.Access, n.Name)
			}
		}
	}
}

func network(out *Rule, r *policy.NetworkRule) {
	out.Direction, out.Families, out.Types = r.Direction.String(), r.Families, r.Types
	for _, p := range r.Ports {
		ports := Ports{Protocol: p.Protocol, First: p.Port, Last: max(p.Port, p.EndPort)}
		if p.Port == 0 {
			ports.Last = 65535
		}
		out.Ports = append(out.Ports, ports)
	}
	out.Elsewhere = len(r.HTTP) > 0
	for _, peer := range r.Peers {
		if peer.Kind != policy.PeerCIDR {
			out.Elsewhere = true
			continue
		}
		cidr := CIDR{CIDR: peer.CIDR.String()}
		for _, e := range peer.Except {
			cidr.Except = append(cidr.Except, e.String())
		}
		out.CIDRs = append(out.CIDRs, cidr)
	}
}

func texts(patterns []policy.Pattern) []string {
	var out []string
	for _, p := range patterns {
		out = append(out, p.Text)
	}
	return out
}

// line returns the 1-based line of a span, or 0 for one that points nowhere.
func line(s diag.Span) int {
	if s.IsZero() {
		return 0
	}
	n, _ := s.File.Position(s.Start)
	return n
}
