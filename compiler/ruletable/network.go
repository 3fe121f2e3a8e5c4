// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"net/netip"
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// network decides about a flow, in either direction when it is not known.
func (q *question) network(f Flow) {
	directions := []policy.Direction{f.Direction}
	if f.Direction == policy.BothDirections {
		directions = []policy.Direction{policy.Ingress, policy.Egress}
	}
	for _, d := range directions {
		q.rules(policy.Network, func(r *Rule) truth { return r.flow(d, f) }, func() {
			if f.Family == "" || f.Family == "inet" || f.Family == "inet6" {
				q.byDefault(policy.Network, d)
			}
		})
	}
}

func (r *Rule) flow(d policy.Direction, f Flow) truth {
	if r.Direction != "" && r.Direction != d.String() {
		return no
	}
	families := r.Families
	if len(families) == 0 {
		families = []string{"inet", "inet6"}
	}
	out := min(among(f.Family, families), r.port(f))
	if len(r.Types) > 0 {
		out = min(out, among(f.Type, r.Types))
	}
	switch {
	case r.Elsewhere:
		out = min(out, maybe)
	case len(r.CIDRs) > 0:
		out = min(out, r.peer(f.Peer))
	}
	return out
}

// among says whether a word that may be unknown is one of some.
func among(word string, words []string) truth {
	if word == "" {
		return maybe
	}
	return holds(slices.Contains(words, word))
}

func (r *Rule) port(f Flow) truth {
	if len(r.Ports) == 0 {
		return yes
	}
	out := no
	for _, p := range r.Ports {
		t := among(f.Protocol, []string{p.Protocol})
		switch {
		case f.Port == 0:
			t = min(t, maybe)
		case f.Port < p.First || f.Port > p.Last:
			t = no
		}
		out = max(out, t)
	}
	return out
}

// peer compares an address. Whether it is a pod's, which no network of a rule
// has, a kernel cannot tell.
func (r *Rule) peer(a netip.Addr) truth {
	if !a.IsValid() {
		return maybe
	}
	a = a.Unmap()
	has := func(text string) bool {
		p, err := netip.ParsePrefix(text)
		return err == nil && p.Contains(a)
	}
	for _, c := range r.CIDRs {
		if has(c.CIDR) && !slices.ContainsFunc(c.Except, has) {
			return maybe
		}
	}
	return no
}
