// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// maxPairs bounds how many pairs of network rules are compared.
const maxPairs = 1_000_000

// networkShadows compares each rule with each Block by itself: a union of
// Blocks is not considered.
func networkShadows(rs, blocks []policy.NetworkRule, report func(r, block *policy.Rule)) {
	var all []*policy.NetworkRule
	for i := range blocks {
		if blocks[i].Action == policy.Block {
			all = append(all, &blocks[i])
		}
	}
	if len(all)*len(rs) > maxPairs {
		return
	}
	for i := range rs {
		if rs[i].Action == policy.Block {
			continue
		}
		for _, b := range all {
			if networkCovers(b, &rs[i]) {
				report(&rs[i].Rule, &b.Rule)
				break
			}
		}
	}
}

// networkCovers says whether block surely matches all that r matches.
func networkCovers(block, r *policy.NetworkRule) bool {
	return sameSubject(&block.Rule, r.From) &&
		(block.Direction == policy.BothDirections || block.Direction == r.Direction) &&
		within(families(r), families(block), equal[string]) &&
		(len(block.Types) == 0 || len(r.Types) > 0 && within(r.Types, block.Types, equal[string])) &&
		(len(block.HTTP) == 0 || len(r.HTTP) > 0 && within(r.HTTP, block.HTTP, httpCovers)) &&
		peersCover(block, r)
}

// within says whether each of items is covered by one of others.
func within[T any](items, others []T, covers func(other, item T) bool) bool {
	for _, item := range items {
		if !slices.ContainsFunc(others, func(other T) bool { return covers(other, item) }) {
			return false
		}
	}
	return true
}

func equal[T comparable](a, b T) bool { return a == b }

func families(r *policy.NetworkRule) []string {
	if len(r.Families) == 0 {
		return []string{"inet", "inet6"}
	}
	return r.Families
}

func httpCovers(block, h policy.HTTPMatch) bool {
	anyPath := block.Path == "" && block.PathPrefix == "" && block.PathRegex == ""
	return (block.Method == "" || block.Method == h.Method) &&
		(anyPath || block.Path == h.Path && block.PathPrefix == h.PathPrefix && block.PathRegex == h.PathRegex)
}

// peersCover says whether each peer of r, at each of its ports, is matched by
// a peer of block at its ports. The ports of a rule's DNS peers and of its
// others differ.
func peersCover(block, r *policy.NetworkRule) bool {
	if len(block.Peers) == 0 {
		return portsCover(block.Ports, r.Ports)
	}
	if len(r.Peers) == 0 {
		return false
	}
	return within(r.Peers, block.Peers, func(other, item policy.Peer) bool {
		return peerCovers(other, item) && portsCover(portsOf(block, other), portsOf(r, item))
	})
}

var dnsPorts = []policy.Port{{Protocol: "UDP", Port: 53, EndPort: 53}, {Protocol: "TCP", Port: 53, EndPort: 53}}

func portsOf(r *policy.NetworkRule, p policy.Peer) []policy.Port {
	if p.Kind == policy.PeerDNS && len(r.Ports) == 0 {
		return dnsPorts
	}
	return r.Ports
}

func portsCover(block, ports []policy.Port) bool {
	return len(block) == 0 || len(ports) > 0 && within(ports, block, func(other, item policy.Port) bool {
		return other.Protocol == item.Protocol && (other.Port == 0 || item.Port >= cmp.Or(other.Port, 1) && item.Port != 0 && item.EndPort <= other.EndPort)
	})
}

func peerCovers(block, p policy.Peer) bool {
	if block.Kind != p.Kind {
		return false
	}
	switch p.Kind {
	case policy.PeerPods:
		return selectorCovers(block.Pods, p.Pods) && (block.Namespaces == nil) == (p.Namespaces == nil) && selectorCovers(block.Namespaces, p.Namespaces)
	case policy.PeerCIDR:
		return block.CIDR.Overlaps(p.CIDR) && block.CIDR.Bits() <= p.CIDR.Bits() && !slices.ContainsFunc(block.Except, func(e netip.Prefix) bool {
			return e.Overlaps(p.CIDR) && !covers(p.Except, e)
		})
	case policy.PeerFQDN:
		return block.FQDN == p.FQDN
	}
	return true
}

// selectorCovers says whether block surely selects all that s selects: it has
// no requirement that s does not have. A nil selector selects everything.
func selectorCovers(block, s *policy.Selector) bool {
	switch {
	case block == nil || len(block.Requirements) == 0:
		return true
	case s == nil:
		return false
	}
	return s.And(*block).Equal(*s)
}
