// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"net/netip"

	"github.com/avert-dev/avert/compiler/policy"
	"pgregory.net/rapid"
)

// networkRule draws the conditions of a rule: one about families and types, or
// one about IP.
func networkRule(t *rapid.T, r policy.Rule) policy.NetworkRule {
	out := policy.NetworkRule{Rule: r, Direction: pick(t, "direction", policy.BothDirections, policy.Ingress, policy.Egress)}
	if chance(t, "any family", 6) {
		out.Families = some(t, "families", 2, append([]string{"inet"}, otherFamilies...)...)
		if chance(t, "types", 2) {
			out.Types = some(t, "types", 2, "raw", "dgram", "stream")
		}
		return out
	}
	if chance(t, "families", 6) {
		out.Families = some(t, "families", 2, "inet", "inet6")
	}
	if chance(t, "types", 6) {
		out.Types = some(t, "types", 2, "stream", "dgram", "raw")
	}
	if chance(t, "peers", 2) {
		for range rapid.IntRange(1, 2).Draw(t, "peers") {
			out.Peers = append(out.Peers, peer(t, out.Direction))
		}
	}
	protocols := []string{"TCP", "UDP", "SCTP"}
	if chance(t, "http", 4) {
		protocols = protocols[:1]
		out.HTTP = requests(t)
	}
	if out.HTTP != nil || chance(t, "ports", 2) {
		for range rapid.IntRange(1, 2).Draw(t, "ports") {
			out.Ports = append(out.Ports, port(t, protocols))
		}
	}
	return out
}

// port draws a single port, a range, or every port of a protocol.
func port(t *rapid.T, protocols []string) policy.Port {
	p := policy.Port{Protocol: pick(t, "protocol", protocols...)}
	if chance(t, "every port", 5) {
		return p
	}
	p.Port = pick(t, "port", uint16(1), 53, 80, 443, 65535)
	p.EndPort = max(p.Port, pick(t, "end", uint16(1), 1, 54, 81, 65535))
	return p
}

// peer draws one peer. Names and the cluster's DNS are where a pod connects to.
func peer(t *rapid.T, d policy.Direction) policy.Peer {
	kinds := []policy.PeerKind{policy.PeerPods, policy.PeerCIDR}
	if d == policy.Egress {
		kinds = append(kinds, policy.PeerFQDN, policy.PeerDNS)
	}
	p := policy.Peer{Kind: pick(t, "kind", kinds...)}
	switch p.Kind {
	case policy.PeerPods:
		which := pick(t, "selectors", "pods", "namespaces", "both")
		if which != "namespaces" {
			p.Pods = selector(t, "app", "tier")
		}
		if which != "pods" {
			p.Namespaces = selector(t, "team")
		}
	case policy.PeerCIDR:
		n := pick(t, "cidr", networks...)
		p.CIDR = n.prefix
		if len(n.within) > 0 && chance(t, "except", 2) {
			p.Except = some(t, "except", 2, n.within...)
		}
	case policy.PeerFQDN:
		p.FQDN = pick(t, "fqdn", "api.example.com", "*.example.com", "a*.example.com", "example.com", "*")
	}
	return p
}

// selector draws a label selector; one without requirements selects all.
func selector(t *rapid.T, keys ...string) *policy.Selector {
	var s policy.Selector
	for _, key := range keys {
		if chance(t, key, 3) {
			continue
		}
		r := policy.Requirement{Key: key, Operator: pick(t, "operator", policy.In, policy.In, policy.NotIn, policy.Exists, policy.DoesNotExist)}
		switch r.Operator {
		case policy.In, policy.NotIn:
			r.Values = pick(t, "values", []string{"a"}, []string{"b"}, []string{"a", "b"})
		}
		s.Requirements = append(s.Requirements, r)
	}
	return &s
}

// requests draws conditions on requests.
func requests(t *rapid.T) []policy.HTTPMatch {
	var out []policy.HTTPMatch
	for range rapid.IntRange(1, 2).Draw(t, "http") {
		m := policy.HTTPMatch{Method: pick(t, "method", "", "GET", "POST")}
		switch pick(t, "path", "none", "exact", "prefix", "regex") {
		case "exact":
			m.Path = pick(t, "path", "/", "/a", "/a.b")
		case "prefix":
			m.PathPrefix = pick(t, "prefix", "/", "/a", "/a/")
		case "regex":
			m.PathRegex = pick(t, "regex", "/a|/b", "/[0-9]+", "/a.b", "(?i)/A")
		}
		if m == (policy.HTTPMatch{}) {
			m.Method = "GET"
		}
		out = append(out, m)
	}
	return out
}

var otherFamilies = []string{"packet", "netlink", "vsock", "unix"}

// network is a CIDR with what may be excepted of it.
type network struct {
	prefix netip.Prefix
	within []netip.Prefix
}

var networks = []network{
	{netip.MustParsePrefix("0.0.0.0/0"), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16")}},
	{netip.MustParsePrefix("10.0.0.0/8"), []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.1.2.3/32")}},
	{netip.MustParsePrefix("10.1.2.3/32"), nil},
	{netip.MustParsePrefix("::/0"), []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}},
	{netip.MustParsePrefix("2001:db8::/32"), []netip.Prefix{netip.MustParsePrefix("2001:db8::1/128")}},
}

// addresses lie at both sides of the ends of the networks; some are
// IPv4-mapped.
var addresses = []string{
	"9.255.255.255", "10.0.0.0", "10.0.255.255", "10.1.0.0", "10.1.2.2", "10.1.2.3", "10.1.255.255", "10.2.0.0", "10.255.255.255", "11.0.0.0",
	"::ffff:10.0.0.0", "::ffff:10.1.2.3", "::ffff:11.0.0.0",
	"2001:db7:ffff::", "2001:db8::", "2001:db8::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::",
}

// flow draws something that can come about: an address of its family, a socket
// type of its protocol, HTTP over TCP.
func flow(t *rapid.T) policy.Flow {
	f := policy.Flow{
		Direction: pick(t, "direction", policy.Ingress, policy.Egress, policy.Egress),
		Loopback:  chance(t, "loopback", 20),
		Reply:     chance(t, "reply", 20),
	}
	if chance(t, "other family", 8) {
		f.Family = pick(t, "family", otherFamilies...)
		f.Type = pick(t, "type", "raw", "dgram", "stream")
		return f
	}
	switch pick(t, "protocol", "TCP", "TCP", "UDP", "SCTP", "") {
	case "TCP":
		f.Protocol, f.Type = "TCP", "stream"
		if chance(t, "http", 2) {
			f.HTTP = &policy.HTTPRequest{
				Method: pick(t, "method", "GET", "POST", "PUT"),
				Path:   pick(t, "path", "/", "/a", "/A", "/a/", "/a/b", "/a.b", "/axb", "/b", "/7", "/a?b", "/a.b?c=/a", "/?", "x/a", "/a\n"),
			}
		}
	case "UDP":
		f.Protocol, f.Type = "UDP", "dgram"
	case "SCTP":
		f.Protocol, f.Type = "SCTP", pick(t, "type", "stream", "dgram")
	default:
		f.Type = "raw"
	}
	if f.Protocol != "" {
		f.Port = pick(t, "port", uint16(1), 2, 52, 53, 54, 55, 79, 80, 81, 82, 443, 444, 65534, 65535)
	}
	f.Peer.ClusterDNS = chance(t, "cluster DNS", 4)
	if chance(t, "pod", 2) {
		f.Family = pick(t, "family", "inet", "inet6", "")
		f.Peer.Pod = pod(t)
		return f
	}
	f.Peer.Addr = netip.MustParseAddr(pick(t, "address", addresses...))
	f.Family = "inet6"
	if f.Peer.Addr.Unmap().Is4() {
		f.Family = pick(t, "family", "inet", "")
	}
	if chance(t, "names", 2) {
		f.Peer.Names = some(t, "names", 2, "api.example.com", "API.Example.com", "api.example.com.", "a.b.example.com", "aexample.com", "example.com", "apixexample.com", "com")
	}
	return f
}

// pod draws a peer in the policy's namespace or another.
func pod(t *rapid.T) *policy.Pod {
	return &policy.Pod{
		Namespace:       pick(t, "namespace", namespace, "other"),
		Labels:          labels(t, "app", "tier"),
		NamespaceLabels: labels(t, "team"),
	}
}

func labels(t *rapid.T, keys ...string) map[string]string {
	out := map[string]string{}
	for _, key := range keys {
		if v := pick(t, key, "", "a", "b", "c"); v != "" {
			out[key] = v
		}
	}
	return out
}
