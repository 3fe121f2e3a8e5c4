// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
)

// PeerKind says which fields of a Peer are set.
type PeerKind uint8

const (
	// Everyone is every peer: pods, nodes, and what is outside.
	Everyone PeerKind = iota
	// Pods are those that PodLabels selects in namespaces that Namespaces selects.
	Pods
	// Nodes are what is in the cluster and no pod.
	Nodes
	// Addresses are those of Prefix, less Except, outside the cluster.
	Addresses
	// Name are the addresses that a domain name resolves to.
	Name
)

// Peer is a set of peers of one kind.
type Peer struct {
	Kind PeerKind
	// Namespaces selects by the labels of a namespace, NamespaceName among them.
	Namespaces, PodLabels policy.Selector
	// Except are within Prefix, sorted.
	Prefix netip.Prefix
	Except []netip.Prefix
	// FQDN is as in policy.Peer.
	FQDN string
}

// NamespaceName is the label that the API server gives every namespace, with
// its name as value (Kubernetes 1.21).
const NamespaceName = "kubernetes.io/metadata.name"

// namespace selects the namespace of a name.
func namespace(name string) policy.Selector {
	return policy.Selector{Requirements: []policy.Requirement{{Key: NamespaceName, Operator: policy.In, Values: []string{name}}}}
}

// World is every address of both families.
var World = []Peer{
	{Kind: Addresses, Prefix: netip.MustParsePrefix("0.0.0.0/0")},
	{Kind: Addresses, Prefix: netip.MustParsePrefix("::/0")},
}

// Parts returns peers that together are everyone, each of a kind that has a
// complement.
func Parts() []Peer { return append([]Peer{{Kind: Pods}, {Kind: Nodes}}, World...) }

// Whole says whether the peer is every address of a family.
func (p Peer) Whole() bool { return p.Kind == Addresses && p.Prefix.Bits() == 0 && len(p.Except) == 0 }

// overlaps says whether some peer may be in both.
func (p Peer) overlaps(o Peer) bool {
	switch {
	case p.Kind == Everyone || o.Kind == Everyone:
		return true
	case p.Kind == Pods && o.Kind == Pods:
		return !p.Namespaces.Disjoint(o.Namespaces) && !p.PodLabels.Disjoint(o.PodLabels)
	case p.Kind == Addresses && o.Kind == Addresses:
		return p.Prefix.Overlaps(o.Prefix) && !within(p.Prefix, o.Except) && !within(o.Prefix, p.Except)
	}
	return p.outside() == o.outside() && (p.outside() || p.Kind == o.Kind)
}

// outside says whether the peer has an address outside the cluster.
func (p Peer) outside() bool { return p.Kind == Addresses || p.Kind == Name }

// minus returns peers that together are those of p but not of o; ok is false
// when names and addresses would have to be told apart.
func (p Peer) minus(o Peer) (rest []Peer, ok bool) {
	switch {
	case o.Kind == Everyone:
		return nil, true
	case p.Kind == Everyone:
		for _, part := range Parts() {
			left, ok := part.minus(o)
			if !ok {
				return nil, false
			}
			rest = append(rest, left...)
		}
		return rest, true
	case !p.overlaps(o):
		return []Peer{p}, true
	case p.Kind == Pods:
		for _, s := range minusSelector(p.Namespaces, o.Namespaces) {
			rest = append(rest, Peer{Kind: Pods, Namespaces: s, PodLabels: p.PodLabels})
		}
		for _, s := range minusSelector(p.PodLabels, o.PodLabels) {
			rest = append(rest, Peer{Kind: Pods, Namespaces: p.Namespaces, PodLabels: s})
		}
		return rest, true
	case p.Kind == Nodes:
		return nil, true
	case p.Kind == Addresses && o.Kind == Addresses:
		return p.minusAddresses(o), true
	}
	return nil, p.Kind == Name && o.Kind == Name && p.FQDN == o.FQDN
}

// within says whether o provably has all of p.
func (p Peer) within(o Peer) bool {
	switch {
	case o.Kind == Everyone:
		return true
	case p.Kind != o.Kind:
		return false
	case p.Kind == Pods:
		return Within(p.Namespaces, o.Namespaces) && Within(p.PodLabels, o.PodLabels)
	case p.Kind == Addresses:
		return p.Prefix.Overlaps(o.Prefix) && len(p.minusAddresses(o)) == 0
	}
	return p.FQDN == o.FQDN
}

// minusAddresses: what is outside o's prefix, and what is in its exceptions.
func (p Peer) minusAddresses(o Peer) []Peer {
	var rest []Peer
	if o.Prefix.Bits() > p.Prefix.Bits() {
		rest = append(rest, addresses(p.Prefix, append(slices.Clone(p.Except), o.Prefix)))
	}
	for _, e := range o.Except { // never around p, which would not overlap o
		if e.Overlaps(p.Prefix) && !within(e, p.Except) {
			rest = append(rest, addresses(e, p.Except))
		}
	}
	return rest
}

// addresses keeps those exceptions that matter, so that no two overlap.
func addresses(prefix netip.Prefix, except []netip.Prefix) Peer {
	p := Peer{Kind: Addresses, Prefix: prefix}
	slices.SortFunc(except, func(a, b netip.Prefix) int { return a.Compare(b) })
	for _, e := range except {
		if e.Overlaps(prefix) && !within(e, p.Except) {
			p.Except = append(p.Except, e)
		}
	}
	return p
}

// within says whether one of the prefixes has all of p.
func within(p netip.Prefix, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(q netip.Prefix) bool { return q.Bits() <= p.Bits() && q.Overlaps(p) })
}

// and returns the pods that both have.
func (p Peer) and(o Peer) Peer {
	if p.Kind == Everyone {
		return o
	}
	return Peer{Kind: Pods, Namespaces: p.Namespaces.And(o.Namespaces), PodLabels: p.PodLabels.And(o.PodLabels)}
}

// Pattern says whether the name has a wildcard.
func (p Peer) Pattern() bool { return strings.Contains(p.FQDN, "*") }
