// SPDX-License-Identifier: Apache-2.0

package view

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

func (b *builder) unit(u *ir.Unit) *Unit {
	out := &Unit{Name: u.Name, Namespace: u.Namespace, Policies: []string{}, Audits: []string{}, Droppers: []Dropper{}}
	for _, p := range u.Policies {
		if p.Mode == policy.Enforce {
			out.Policies = append(out.Policies, p.ID())
		} else {
			out.Audits = append(out.Audits, p.ID())
		}
	}
	if u.Container == nil {
		out.Node = b.at(u.Policies[0].Span)
	} else {
		out.Node = b.at(u.Container.Span)
		out.Workload, out.Container = b.workload(u.Workload), container(u.Container, out.Node)
	}
	l := u.Enforced
	out.Lineage = b.lineage(l)
	out.Process = b.unitPaths(l, policy.Process, use{"exec", policy.AccessExec})
	out.File = b.unitPaths(l, policy.File, use{"read", policy.AccessRead}, use{"write", policy.AccessWrite})
	out.Network = b.unitNetwork(l)
	out.Syscalls = b.unitSyscalls(l)
	if t := l.Capabilities; t != nil {
		out.Capabilities = &UnitCapabilities{Default: b.defaultVerdict(t.Default), Usable: []NamedVerdict{}}
		for _, c := range linux.Capabilities() {
			out.Capabilities.Usable = b.usable(out.Capabilities.Usable, t, c.Name, 1<<c.Number)
		}
	}
	if t := l.System; t != nil {
		out.System = &UnitSystem{Usable: []NamedVerdict{}}
		for _, o := range policy.SystemOperations {
			out.System.Usable = b.usable(out.System.Usable, t, o.String(), 1<<o)
		}
	}
	out.Droppers = b.droppers(l)
	return out
}

func (b *builder) workload(w *policy.Workload) *Workload {
	return &Workload{b.at(w.Span), w.Kind, w.Namespace, w.Name, w.HostNetwork}
}

func container(c *policy.Container, at Node) *Container {
	return &Container{
		Node: at, Name: c.Name, Kind: c.Kind.ListKey(), Privileged: c.Privileged,
		NoNewPrivileges: c.AllowPrivilegeEscalation != nil && !*c.AllowPrivilegeEscalation,
		Add:             words(c.AddCapabilities), Drop: words(c.DropCapabilities),
		SeccompProfile: c.SeccompProfile, AppArmorProfile: c.AppArmorProfile, SELinuxType: c.SELinux.Type,
	}
}

// verdict has the place of a rule's name where that is known.
func (b *builder) verdict(a policy.Action, ref policy.RuleRef, conditional bool) Verdict {
	return Verdict{b.at(ref.Span), a.String(), ref.Rule, conditional}
}

func (b *builder) defaultVerdict(d ir.Default) Verdict { return b.verdict(d.Action, d.Rule, false) }

// use is one way to use a path.
type use struct {
	name   string
	access policy.Access
}

func (b *builder) unitPaths(l *ir.Layer, section policy.Section, uses ...use) *UnitPaths {
	if l.Paths == nil {
		return nil
	}
	d := l.Paths.Process
	if section == policy.File {
		d = l.Paths.File
	}
	if d == nil {
		return nil
	}
	out := &UnitPaths{Default: b.defaultVerdict(*d), Paths: []PathVerdict{}}
	for _, path := range b.in.Paths {
		for _, u := range uses {
			if m, ok := l.Anyone(section, u.access, path); ok && m.Action != policy.Block && m.Rule != d.Rule {
				out.Paths = append(out.Paths, PathVerdict{path, u.name, b.verdict(m.Action, m.Rule, m.Conditional)})
			}
		}
	}
	return out
}

func (b *builder) unitNetwork(l *ir.Layer) *UnitNetwork {
	t := l.Network
	if t == nil {
		return nil
	}
	ask := func(f policy.Flow) policy.Verdict {
		f.Direction, f.Family = policy.Egress, "inet"
		v, err := l.Decide(policy.Operation{Kind: policy.OpNetwork, Flow: f}, nil)
		if err != nil {
			panic(err) // only carry-out may stay undecided
		}
		return v
	}
	dns := ask(policy.Flow{Type: "dgram", Protocol: "UDP", Port: 53, Peer: policy.Endpoint{Pod: &policy.Pod{Namespace: "kube-system"}, ClusterDNS: true}})
	metadata := ask(policy.Flow{Type: "stream", Protocol: "TCP", Port: 80, Peer: policy.Endpoint{Addr: netip.AddrFrom4([4]byte{169, 254, 169, 254})}, HTTP: &policy.HTTPRequest{Method: "GET", Path: "/latest/meta-data/"}})
	destinations := []Destination{}
	for i := range t.Rules {
		r := &t.Rules[i]
		if r.Rule.Action != policy.Block && r.Direction.Includes(policy.Egress) {
			destinations = append(destinations, Destination{b.at(r.Rule.Span), r.Rule.ID(), kinds(r)})
		}
	}
	return &UnitNetwork{
		Ingress: b.defaultVerdict(t.Ingress), Egress: b.defaultVerdict(t.Egress), Destinations: destinations,
		DNS: dns.Action != policy.Block, Metadata: b.verdict(metadata.Action, metadata.Rule, false),
	}
}

// kinds lists the kinds of peers of a rule.
func kinds(r *ir.NetworkRule) []string {
	out := []string{}
	for kind, has := range map[string]bool{"pods": len(r.Pods) > 0, "cidr": len(r.Addresses) > 0, "fqdn": len(r.Names) > 0, "dns": r.ClusterDNS} {
		if has {
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}

func (b *builder) unitSyscalls(l *ir.Layer) *UnitSyscalls {
	t := l.Syscalls
	if t == nil {
		return nil
	}
	out := &UnitSyscalls{Default: b.defaultVerdict(t.Default), RuntimeDefault: t.RuntimeDefault, Named: []NamedVerdict{}}
	for _, p := range l.Policies {
		if p.Syscalls != nil && p.Syscalls.BaseNone != t.RuntimeDefault {
			out.Base = b.at(p.Syscalls.BaseSpan).At
			break
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Calls)) {
		for _, c := range t.Calls[name].Cases {
			out.Named = append(out.Named, NamedVerdict{name, b.verdict(c.Rule.Action, c.Ref(), len(c.Args) > 0)})
		}
	}
	return out
}

// usable adds a capability or operation unless every process is refused it.
func (b *builder) usable(out []NamedVerdict, t *ir.MaskTable, name string, bit uint64) []NamedVerdict {
	if t.BlocksEverybody(bit) {
		return out
	}
	for _, g := range t.Groups {
		if g.Mask&bit != 0 && g.Rule.Action != policy.Block {
			return append(out, NamedVerdict{name, b.verdict(g.Rule.Action, g.Ref(), g.Cond != ir.Always)})
		}
	}
	v := b.defaultVerdict(t.Default)
	if t.Covers&bit == 0 {
		v = Verdict{Action: policy.Allow.String()}
	}
	return append(out, NamedVerdict{name, v})
}

// lineage lists the rules with conditions, and which of the paths that were
// asked about meet the one on the current image.
func (b *builder) lineage(l *ir.Layer) Lineage {
	out := Lineage{Bits: l.Lineage.Bits(), Rules: []LineageRule{}}
	if l.Paths == nil {
		return out
	}
	add := func(r *policy.Rule, cond int) {
		if cond == ir.Always {
			return
		}
		c := l.Lineage.Conds[cond]
		row := LineageRule{Node: b.at(r.Span), ID: r.ID(), Action: r.Action.String(), Programs: []string{}, Narrowed: c.Parent|c.Ancestor != 0}
		if exe := c.Exe; exe != 0 {
			for _, path := range b.in.Paths {
				if l.Paths.AtomsOf(path)&exe == exe {
					row.Programs = append(row.Programs, path)
				}
			}
		}
		out.Rules = append(out.Rules, row)
	}
	for _, r := range l.Paths.Rules {
		add(r.Rule, r.Cond)
	}
	if l.Network != nil {
		for i := range l.Network.Rules {
			r := &l.Network.Rules[i]
			add(r.Rule, r.Cond)
		}
	}
	for _, t := range []*ir.MaskTable{l.Capabilities, l.System} {
		if t != nil {
			for _, g := range t.Groups {
				add(g.Rule, g.Cond)
			}
		}
	}
	return out
}
