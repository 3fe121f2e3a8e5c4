// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"net/netip"
	"regexp"
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// NetworkTable decides about connections.
type NetworkTable struct {
	Ingress, Egress Default
	Rules           []NetworkRule // in order
}

// NetworkRule is a rule with its conditions as sets.
type NetworkRule struct {
	Source
	Cond      int
	Direction policy.Direction
	// Families and Types are sorted. Families always has members; empty Types
	// means all.
	Families, Types []string
	// AnyPeer holds when the rule names no peers; AnyPort when no ports.
	AnyPeer, AnyPort bool
	Pods             []PodSet
	Addresses        AddressSet
	Names            []*regexp.Regexp // anchored, of lower-case names
	ClusterDNS       bool
	Ports            PortSet
	HTTP             []HTTPSet // empty: no condition
}

// PodSet selects pods.
type PodSet struct {
	// Namespace is the one namespace, or "" when Namespaces selects by labels.
	Namespace  string
	Namespaces policy.Selector
	Pods       policy.Selector
}

// Contains says whether the set has the pod.
func (s PodSet) Contains(p *policy.Pod) bool {
	if s.Namespace != "" {
		return p.Namespace == s.Namespace && s.Pods.Matches(p.Labels)
	}
	return s.Namespaces.Matches(p.NamespaceLabels) && s.Pods.Matches(p.Labels)
}

// HTTPSet is a set of requests.
type HTTPSet struct {
	Method string         // "" for any
	Path   *regexp.Regexp // anchored, of the path without the query; nil for any
}

// AddressRange has both ends in it; they are of one family.
type AddressRange struct{ First, Last netip.Addr }

// AddressSet is a set of addresses as sorted ranges that neither overlap nor
// touch.
type AddressSet []AddressRange

// Addresses returns the set of prefixes without exceptions.
func Addresses(include, except []netip.Prefix) AddressSet {
	return rangesOf(include).minus(rangesOf(except))
}

func rangesOf(prefixes []netip.Prefix) AddressSet {
	var s AddressSet
	for _, p := range prefixes {
		s = append(s, AddressRange{p.Masked().Addr(), lastOf(p)})
	}
	return s.normal()
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (s AddressSet) normal() AddressSet {
	slices.SortFunc(s, func(a, b AddressRange) int { return a.First.Compare(b.First) })
	var out AddressSet
	for _, r := range s {
		if n := len(out); n > 0 && sameFamily(out[n-1].Last, r.First) && (r.First.Compare(out[n-1].Last) <= 0 || out[n-1].Last.Next() == r.First) {
			if out[n-1].Last.Less(r.Last) {
				out[n-1].Last = r.Last
			}
			continue
		}
		out = append(out, r)
	}
	return out
}

func sameFamily(a, b netip.Addr) bool { return a.BitLen() == b.BitLen() }

func (s AddressSet) minus(holes AddressSet) AddressSet {
	var out AddressSet
	for _, r := range s {
		rest := []AddressRange{r}
		for _, h := range holes {
			var next []AddressRange
			for _, p := range rest {
				next = append(next, cut(p, h)...)
			}
			rest = next
		}
		out = append(out, rest...)
	}
	return out
}

func cut(r, hole AddressRange) []AddressRange {
	if !sameFamily(r.First, hole.First) || hole.Last.Less(r.First) || r.Last.Less(hole.First) {
		return []AddressRange{r}
	}
	var out []AddressRange
	if r.First.Less(hole.First) {
		out = append(out, AddressRange{r.First, hole.First.Prev()})
	}
	if hole.Last.Less(r.Last) {
		out = append(out, AddressRange{hole.Last.Next(), r.Last})
	}
	return out
}

// Union returns the addresses of both sets.
func (s AddressSet) Union(o AddressSet) AddressSet { return slices.Concat(s, o).normal() }

// Contains says whether the set has the address; a 4-in-6 address is IPv4.
func (s AddressSet) Contains(a netip.Addr) bool {
	a = a.Unmap()
	i, ok := slices.BinarySearchFunc(s, a, func(r AddressRange, a netip.Addr) int { return r.First.Compare(a) })
	if ok {
		return true
	}
	return i > 0 && sameFamily(s[i-1].First, a) && a.Compare(s[i-1].Last) <= 0
}

// PortRange has both ends in it.
type PortRange struct{ First, Last uint16 }

// PortSet is a set of ports by protocol, as sorted ranges that neither overlap
// nor touch.
type PortSet map[string][]PortRange

// Ports returns the set of the ports of a rule.
func Ports(ports []policy.Port) PortSet {
	s := PortSet{}
	for _, p := range ports {
		r := PortRange{p.Port, max(p.Port, p.EndPort)}
		if p.Port == 0 {
			r = PortRange{0, 65535}
		}
		s[p.Protocol] = append(s[p.Protocol], r)
	}
	for protocol, ranges := range s {
		slices.SortFunc(ranges, func(a, b PortRange) int { return int(a.First) - int(b.First) })
		out := ranges[:1]
		for _, r := range ranges[1:] {
			if last := &out[len(out)-1]; int(r.First) <= int(last.Last)+1 {
				last.Last = max(last.Last, r.Last)
			} else {
				out = append(out, r)
			}
		}
		s[protocol] = out
	}
	return s
}

// Contains says whether the set has a port.
func (s PortSet) Contains(protocol string, port uint16) bool {
	for _, r := range s[protocol] {
		if r.First <= port && port <= r.Last {
			return true
		}
	}
	return false
}

// BySocket says whether a rule is decided when a socket is made: it is about
// families beside INET in both directions, whoever the peer is.
func (r *NetworkRule) BySocket() bool {
	return r.AnyPeer && r.AnyPort && len(r.HTTP) == 0 && r.Direction == policy.BothDirections && slices.ContainsFunc(r.Families, func(f string) bool {
		return f != "inet" && f != "inet6"
	})
}

// BySocket says whether any rule is decided when a socket is made.
func (t *NetworkTable) BySocket() bool {
	return slices.ContainsFunc(t.Rules, func(r NetworkRule) bool { return r.BySocket() })
}
