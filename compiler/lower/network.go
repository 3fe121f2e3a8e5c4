// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

func networkRule(p *policy.Policy, r *policy.NetworkRule, cond int) ir.NetworkRule {
	out := ir.NetworkRule{
		Source:    ir.Source{Policy: p, Rule: &r.Rule},
		Cond:      cond,
		Direction: r.Direction,
		Families:  sorted(r.Families),
		Types:     sorted(r.Types),
		AnyPeer:   len(r.Peers) == 0,
		AnyPort:   len(r.Ports) == 0,
		Ports:     ir.Ports(r.Ports),
	}
	if len(out.Families) == 0 {
		out.Families = []string{"inet", "inet6"}
	}
	for _, peer := range r.Peers {
		switch peer.Kind {
		case policy.PeerPods:
			out.Pods = append(out.Pods, podSet(p.Namespace, peer))
		case policy.PeerCIDR:
			out.Addresses = out.Addresses.Union(ir.Addresses([]netip.Prefix{peer.CIDR}, peer.Except))
		case policy.PeerFQDN:
			out.Names = append(out.Names, namePattern(peer.FQDN))
		case policy.PeerDNS:
			out.ClusterDNS = true
		}
	}
	for _, h := range r.HTTP {
		out.HTTP = append(out.HTTP, ir.HTTPSet{Method: h.Method, Path: pathPattern(h)})
	}
	return out
}

func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}

func podSet(namespace string, peer policy.Peer) ir.PodSet {
	var s ir.PodSet
	if peer.Namespaces == nil {
		s.Namespace = namespace
	} else {
		s.Namespaces = *peer.Namespaces
	}
	if peer.Pods != nil {
		s.Pods = *peer.Pods
	}
	return s
}

// namePattern compiles a domain name in which `*` is a run of characters of one
// label.
func namePattern(name string) *regexp.Regexp {
	parts := strings.Split(name, "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(`^` + strings.Join(parts, `[^.]*`) + `$`)
}

// pathPattern compiles the condition on the path; check made sure that a
// regular expression compiles.
func pathPattern(h policy.HTTPMatch) *regexp.Regexp {
	switch {
	case h.Path != "":
		return regexp.MustCompile(`^` + regexp.QuoteMeta(h.Path) + `$`)
	case h.PathPrefix != "":
		return regexp.MustCompile(`^` + regexp.QuoteMeta(h.PathPrefix))
	case h.PathRegex != "":
		return regexp.MustCompile(`^(?:` + h.PathRegex + `)$`)
	}
	return nil
}
