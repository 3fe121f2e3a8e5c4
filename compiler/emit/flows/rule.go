// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// Rule is what one rule says of one direction. Every flow that it matches is in
// one of its boxes; the others are in them because a box lacks a condition.
type Rule struct {
	Policy    *policy.Policy
	Source    *policy.NetworkRule
	Direction policy.Direction
	Boxes     []Box
	HTTP      []policy.HTTPMatch // a condition that the boxes lack
	// Missing are reasons: the other conditions that the boxes lack.
	Missing []string
	// Beyond says that the rule is also about families that no plugin sees, and
	// Boxes is empty when it is about no other.
	Beyond bool
}

// Reasons that are the same in every plugin.
const (
	noLineage  = "a plugin sees pods and not processes, so from cannot be expressed"
	noFamilies = "inet without inet6 (or the reverse) can be expressed for cidr peers alone"
	noTypes    = "socket types are known only where every port names its protocol, TCP (stream) or UDP (dgram)"
	noFamily   = "a plugin sees neither sockets nor families other than INET and INET6"
	// noLabel is why a selector lacks a condition.
	noLabel = "Cilium does not see some label of the selector: it is no part of an identity, or its name is too long"
)

// rule returns what r says of a direction; subject is what the plugin sees of
// the policy's selector.
func (d Dialect) rule(p *policy.Policy, subject policy.Selector, r *policy.NetworkRule, dir policy.Direction) *Rule {
	out := &Rule{Policy: p, Source: r, Direction: dir, HTTP: r.HTTP}
	inet, inet6 := true, true
	if len(r.Families) > 0 {
		inet, inet6 = slices.Contains(r.Families, "inet"), slices.Contains(r.Families, "inet6")
		out.Beyond = slices.ContainsFunc(r.Families, func(f string) bool { return f != "inet" && f != "inet6" })
	}
	if !inet && !inet6 {
		return out
	}
	if r.From != nil {
		out.Missing = append(out.Missing, noLineage)
	}
	ports, typed := typedPorts(portsOf(r.Ports), r.Types)
	if !typed {
		out.Missing = append(out.Missing, noTypes)
	}
	if len(r.Ports) > 0 && len(ports) == 0 {
		return out
	}
	for _, peer := range d.peers(p, r, out) {
		if peer.Kind == Addresses {
			if is4 := peer.Prefix.Addr().Is4(); is4 && !inet || !is4 && !inet6 {
				continue
			}
		} else if !(inet && inet6) {
			out.miss(noFamilies)
		}
		out.Boxes = append(out.Boxes, Box{subject, peer.Peer, peer.ports(ports)})
	}
	return out
}

// peer is a Peer that may imply ports.
type peer struct {
	Peer
	implied Ports
}

func (p peer) ports(given Ports) Ports {
	if given == nil {
		return p.implied
	}
	return given
}

func (d Dialect) peers(p *policy.Policy, r *policy.NetworkRule, out *Rule) []peer {
	if len(r.Peers) == 0 {
		return []peer{{}}
	}
	var peers []peer
	for _, q := range r.Peers {
		switch q.Kind {
		case policy.PeerPods:
			pods := Peer{Kind: Pods, Namespaces: namespace(p.Namespace)}
			if q.Namespaces != nil {
				pods.Namespaces = out.seen(*q.Namespaces, d.seesNamespace)
			}
			if q.Pods != nil {
				pods.PodLabels = out.seen(*q.Pods, d.seesPod)
			}
			peers = append(peers, peer{Peer: pods})
		case policy.PeerCIDR:
			peers = append(peers, peer{Peer: addresses(q.CIDR, slices.Clone(q.Except))})
		case policy.PeerFQDN:
			peers = append(peers, peer{Peer: Peer{Kind: Name, FQDN: q.FQDN}})
		case policy.PeerDNS:
			dns, ports := d.DNSPeer()
			peers = append(peers, peer{dns, ports})
		}
	}
	return peers
}

// seen returns what the plugin sees of a selector.
func (r *Rule) seen(s policy.Selector, sees func(string) bool) policy.Selector {
	seen, all := visible(s, sees)
	if !all {
		r.miss(noLabel)
	}
	return seen
}

func (r *Rule) miss(reason string) {
	if !slices.Contains(r.Missing, reason) {
		r.Missing = append(r.Missing, reason)
	}
}

// typedPorts drops the ports that sockets of the types do not have. It is not
// typed when ports do not tell the type: SCTP has two, and without ports there
// are raw sockets.
func typedPorts(ports Ports, types []string) (left Ports, typed bool) {
	if len(types) == 0 {
		return ports, true
	}
	if ports == nil {
		return nil, false
	}
	for _, r := range ports {
		switch r.Protocol {
		case "TCP":
			if slices.Contains(types, "stream") {
				left = append(left, r)
			}
		case "UDP":
			if slices.Contains(types, "dgram") {
				left = append(left, r)
			}
		default:
			return ports, false
		}
	}
	return left, true
}
