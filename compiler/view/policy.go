// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

func (b *builder) policy(p *policy.Policy) *Policy {
	out := &Policy{
		Node: b.at(p.Span), ID: p.ID(), Namespace: p.Namespace, Name: p.Name, Mode: p.Mode.String(),
		Selector: requirements(p.Selector), Containers: words(p.Containers), Accepts: []Accept{},
		Process: b.paths(p, policy.Process), File: b.paths(p, policy.File), Network: b.network(p),
	}
	if s := p.Syscalls; s != nil {
		base := Base{b.at(s.BaseSpan), "RuntimeDefault"}
		if s.BaseNone {
			base.Value = "None"
		}
		out.Syscalls = &SyscallSection{Default: b.deflt(p, policy.Syscalls, s.Default, s.DefaultSpan), Base: base, Rules: make([]SyscallRule, len(s.Rules))}
		for i := range s.Rules {
			out.Syscalls.Rules[i] = b.syscallRule(p, &s.Rules[i])
		}
	}
	if s := p.Capabilities; s != nil {
		out.Capabilities = &CapabilitySection{Default: b.deflt(p, policy.Capabilities, s.Default, s.DefaultSpan), Rules: make([]CapabilityRule, len(s.Rules))}
		for i := range s.Rules {
			r := &s.Rules[i]
			out.Capabilities.Rules[i] = CapabilityRule{b.rule(p, &r.Rule), b.patterns(r.Names)}
		}
	}
	if s := p.System; s != nil {
		out.System = &SystemSection{Rules: make([]SystemRule, len(s.Rules))}
		for i := range s.Rules {
			r := &s.Rules[i]
			row := SystemRule{b.rule(p, &r.Rule), []string{}}
			for _, o := range r.Operations {
				row.Operations = append(row.Operations, o.String())
			}
			out.System.Rules[i] = row
		}
	}
	for _, a := range p.Accepts {
		out.Accepts = append(out.Accepts, Accept{b.at(a.Span), a.Rule, a.Target, a.Reason})
	}
	return out
}

func (b *builder) deflt(p *policy.Policy, s policy.Section, a policy.Action, span diag.Span) Default {
	return Default{b.at(span), a.String(), b.held(p, s.String()+"/"+policy.BuiltinDefault)}
}

func (b *builder) rule(p *policy.Policy, r *policy.Rule) Rule {
	out := Rule{Node: b.at(r.Span), ID: r.ID(), Name: r.Name, Action: r.Action.String(), Quiet: r.Quiet, Held: b.held(p, r.ID())}
	if f := r.From; f != nil {
		out.From = &From{texts(f.Exe), texts(f.Parent), texts(f.Ancestor)}
	}
	return out
}

func (b *builder) patterns(ps []policy.Pattern) []Text {
	out := make([]Text, len(ps))
	for i, p := range ps {
		out[i] = Text{b.at(p.Span), p.Text}
	}
	return out
}

func texts(ps []policy.Pattern) []string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.Text
	}
	return out
}

func (b *builder) paths(p *policy.Policy, section policy.Section) *PathSection {
	s := p.Paths(section)
	if s == nil {
		return nil
	}
	out := &PathSection{Default: b.deflt(p, section, s.Default, s.DefaultSpan), Rules: make([]PathRule, len(s.Rules))}
	for i := range s.Rules {
		r := &s.Rules[i]
		out.Rules[i] = PathRule{b.rule(p, &r.Rule), b.patterns(r.Paths), b.patterns(r.Names), strings.Split(r.Access.String(), ","), r.Anonymous}
	}
	return out
}

func (b *builder) network(p *policy.Policy) *NetworkSection {
	s := p.Network
	if s == nil {
		return nil
	}
	out := &NetworkSection{
		Default: b.deflt(p, policy.Network, max(s.Ingress, s.Egress), s.DefaultSpan),
		Ingress: s.Ingress.String(), Egress: s.Egress.String(), Rules: make([]NetworkRule, len(s.Rules)),
	}
	for i := range s.Rules {
		out.Rules[i] = b.networkRule(p, &s.Rules[i])
	}
	return out
}

func (b *builder) networkRule(p *policy.Policy, r *policy.NetworkRule) NetworkRule {
	out := NetworkRule{
		Rule: b.rule(p, &r.Rule), Direction: r.Direction.String(), Families: words(r.Families), Types: words(r.Types),
		Peers: make([]Peer, len(r.Peers)), Ports: make([]Port, len(r.Ports)), HTTP: make([]HTTP, len(r.HTTP)),
	}
	for i, peer := range r.Peers {
		out.Peers[i] = b.peer(peer)
	}
	for i, q := range r.Ports {
		out.Ports[i] = Port{b.at(q.Span), q.Protocol, int(q.Port), int(max(q.Port, q.EndPort))}
	}
	for i, h := range r.HTTP {
		out.HTTP[i] = HTTP{b.at(h.Span), h.Method, h.Path, h.PathPrefix, h.PathRegex}
	}
	return out
}

func (b *builder) peer(p policy.Peer) Peer {
	out := Peer{Node: b.at(p.Span), FQDN: p.FQDN, Except: []string{}}
	switch p.Kind {
	case policy.PeerPods:
		out.Kind = "pods"
		out.AllPods = p.Pods == nil || len(p.Pods.Requirements) == 0
		out.AllNamespaces = p.Namespaces != nil && len(p.Namespaces.Requirements) == 0
		if p.Pods != nil {
			out.Pods = requirements(*p.Pods)
		}
		if p.Namespaces != nil {
			out.Namespaces = requirements(*p.Namespaces)
		}
	case policy.PeerCIDR:
		out.Kind, out.CIDR, out.Bits = "cidr", p.CIDR.String(), p.CIDR.Bits()
		for _, e := range p.Except {
			out.Except = append(out.Except, e.String())
		}
	case policy.PeerFQDN:
		out.Kind = "fqdn"
	case policy.PeerDNS:
		out.Kind = "dns"
	}
	return out
}

func requirements(s policy.Selector) []Requirement {
	out := make([]Requirement, len(s.Requirements))
	for i, r := range s.Requirements {
		out[i] = Requirement{r.Key, r.Operator.String(), words(r.Values)}
	}
	return out
}
