// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"net/netip"
	"strconv"

	"github.com/avert-dev/avert/compiler/policy"
	"pgregory.net/rapid"
)

// village is the cluster of the agreement tests. Its pods have addresses apart
// from the ranges that sampled policies name, which is what the answer exact
// rests on in NetworkPolicy.
func village() Cluster {
	c := Cluster{
		Namespaces: map[string]map[string]string{"shop": {"team": "a"}, "other": {"team": "b"}, "kube-system": nil},
		Names: map[string][]netip.Addr{
			"api.example.com":   {netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2"), netip.MustParseAddr("10.1.2.3")},
			"www.example.com":   {netip.MustParseAddr("198.51.100.2"), netip.MustParseAddr("2001:db8::1")},
			"a.b.example.com":   {netip.MustParseAddr("203.0.113.9")},
			"apixexample.com":   {netip.MustParseAddr("203.0.113.10")},
			"other.example.org": {netip.MustParseAddr("203.0.113.11")},
		},
	}
	add := func(namespace string, labels map[string]string) {
		n := len(c.Pods)
		c.Pods = append(c.Pods, Pod{
			Namespace: namespace, Name: "p" + strconv.Itoa(n), Labels: labels,
			IP: netip.AddrFrom4([4]byte{10, 244, 0, byte(n + 1)}),
		})
	}
	for _, ns := range []string{"shop", "other"} {
		add(ns, map[string]string{"app": "a"})
		add(ns, map[string]string{"app": "a", "tier": "x"})
		add(ns, map[string]string{"app": "b", "tier": "x"})
		add(ns, map[string]string{"tier": "y"})
		add(ns, map[string]string{"app": "b", "tier": ""})
	}
	add("shop", map[string]string{"app": "b", "tier": "y", "pod-template-hash": "h"})
	add("kube-system", map[string]string{"k8s-app": "kube-dns"})
	add("kube-system", map[string]string{"app": "a"})
	return c
}

var outside = []string{
	"198.51.100.1", "198.51.100.2", "203.0.113.9", "203.0.113.10", "203.0.113.11", "203.0.113.7",
	"10.1.2.3", "10.1.9.9", "10.9.2.3", "2001:db8::1", "2001:db8::7", "2001:db9::1",
}

var ranges = []struct {
	cidr   string
	except []string
}{
	{"0.0.0.0/0", nil},
	{"0.0.0.0/0", []string{"10.0.0.0/8"}},
	{"0.0.0.0/0", []string{"10.0.0.0/8", "203.0.113.0/24"}},
	{"10.0.0.0/12", nil},
	{"10.0.0.0/12", []string{"10.1.0.0/16"}},
	{"10.1.2.0/24", nil},
	{"198.51.100.0/24", []string{"198.51.100.2/32"}},
	{"203.0.113.0/24", nil},
	{"::/0", nil},
	{"2001:db8::/32", []string{"2001:db8::1/128"}},
}

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

func oneIn(t *rapid.T, label string, n int) bool { return rapid.IntRange(1, n).Draw(t, label) == n }

// samplePolicies draws policies with nothing but network sections, as check
// lets them pass. wild ones have more of what back-ends cannot express.
func samplePolicies(wild bool) *rapid.Generator[[]*policy.Policy] {
	return rapid.Custom(func(t *rapid.T) []*policy.Policy {
		var out []*policy.Policy
		for n := range rapid.IntRange(1, 3).Draw(t, "policies") {
			p := &policy.Policy{
				Namespace: pick(t, "namespace", "shop", "shop", "shop", "other"), Name: "p" + strconv.Itoa(n),
				Selector: *sampleSelector(t, wild),
				Network:  &policy.NetworkSection{Ingress: sampleDefault(t), Egress: sampleDefault(t)},
			}
			if oneIn(t, "audit mode", 12) {
				p.Mode = policy.AuditMode
			}
			for i := range rapid.IntRange(0, 4).Draw(t, "rules") {
				p.Network.Rules = append(p.Network.Rules, sampleRule(t, "r"+strconv.Itoa(i), wild))
			}
			out = append(out, p)
		}
		return out
	})
}

func sampleDefault(t *rapid.T) policy.Action {
	return pick(t, "default", policy.Block, policy.Block, policy.Allow, policy.Audit)
}

func sampleRule(t *rapid.T, name string, wild bool) policy.NetworkRule {
	r := policy.NetworkRule{Rule: policy.Rule{
		Section: policy.Network, Name: name,
		Action: pick(t, "action", policy.Allow, policy.Allow, policy.Audit, policy.Block),
	}}
	r.Direction = pick(t, "direction", policy.Ingress, policy.Ingress, policy.Egress, policy.Egress, policy.BothDirections)
	if wild && oneIn(t, "from", 8) {
		r.From = &policy.From{Exe: []policy.Pattern{{Text: "/usr/bin/node"}}}
	}
	if wild && oneIn(t, "families", 8) {
		r.Families = pick(t, "families", []string{"packet"}, []string{"inet"}, []string{"inet6"}, []string{"inet", "inet6", "packet"})
	}
	if wild && oneIn(t, "types", 8) {
		r.Types = pick(t, "types", []string{"stream"}, []string{"dgram"}, []string{"raw"}, []string{"stream", "dgram"})
	}
	if len(r.Families) > 0 && r.Families[len(r.Families)-1] == "packet" {
		return r
	}
	for range rapid.IntRange(0, 2).Draw(t, "peers") {
		r.Peers = append(r.Peers, samplePeer(t, r.Direction, wild))
	}
	if r.Families == nil && r.Types == nil && oneIn(t, "http", 3) {
		r.Ports = append(r.Ports, samplePort(t, "TCP"))
		for range rapid.IntRange(1, 2).Draw(t, "requests") {
			r.HTTP = append(r.HTTP, sampleMatch(t))
		}
		return r
	}
	for range rapid.IntRange(0, 2).Draw(t, "ports") {
		p := samplePort(t, pick(t, "protocol", "TCP", "TCP", "UDP", "SCTP"))
		if oneIn(t, "every port", 6) {
			p.Port, p.EndPort = 0, 0
		}
		r.Ports = append(r.Ports, p)
	}
	return r
}

func samplePort(t *rapid.T, protocol string) policy.Port {
	p := policy.Port{Protocol: protocol, Port: pick(t, "port", uint16(53), 80, 80, 443)}
	p.EndPort = p.Port + pick(t, "range", uint16(0), 0, 2, 400)
	return p
}

func sampleMatch(t *rapid.T) policy.HTTPMatch {
	m := policy.HTTPMatch{Method: pick(t, "method", "GET", "POST", "")}
	switch pick(t, "path", "exact", "prefix", "regex", "none") {
	case "exact":
		m.Path = pick(t, "exact", "/", "/a", "/a.b", "/a+b")
	case "prefix":
		m.PathPrefix = pick(t, "prefix", "/", "/a", "/a/")
	case "regex":
		m.PathRegex = pick(t, "regex", "/a|/b", "/[0-9]+", "/a.b", "(?i)/A", "^/a$|^/b$", "/[^b]*", `/a\b.*`)
	}
	if m == (policy.HTTPMatch{}) {
		m.Method = "GET"
	}
	return m
}

func samplePeer(t *rapid.T, d policy.Direction, wild bool) policy.Peer {
	kinds := []policy.PeerKind{policy.PeerPods, policy.PeerPods, policy.PeerCIDR}
	if d == policy.Egress {
		kinds = append(kinds, policy.PeerFQDN, policy.PeerDNS)
	}
	p := policy.Peer{Kind: pick(t, "kind", kinds...)}
	switch p.Kind {
	case policy.PeerPods:
		which := pick(t, "which", "pods", "pods", "namespaces", "both")
		if which != "namespaces" {
			p.Pods = sampleSelector(t, wild)
		}
		if which != "pods" {
			p.Namespaces = &policy.Selector{}
			if !oneIn(t, "any namespace", 4) {
				*p.Namespaces = requirement(t, pick(t, "namespace label", "team", "kubernetes.io/metadata.name"), "a", "b", "shop", "other", "kube-system")
			}
		}
	case policy.PeerCIDR:
		r := pick(t, "cidr", ranges...)
		p.CIDR = netip.MustParsePrefix(r.cidr)
		for _, e := range r.except {
			p.Except = append(p.Except, netip.MustParsePrefix(e))
		}
	case policy.PeerFQDN:
		p.FQDN = pick(t, "fqdn", "api.example.com", "www.example.com", "*.example.com", "a*.example.com", "*.*.example.com", "other.example.org")
	}
	return p
}

func sampleSelector(t *rapid.T, wild bool) *policy.Selector {
	var s policy.Selector
	if !oneIn(t, "any app", 3) {
		s = s.And(requirement(t, "app", "a", "b"))
	}
	if oneIn(t, "tier", 3) {
		s = s.And(requirement(t, "tier", "", "x", "y"))
	}
	if wild && oneIn(t, "hidden", 12) {
		s = s.And(requirement(t, "pod-template-hash", "h"))
	}
	if s.Disjoint(s) {
		return &policy.Selector{}
	}
	return &s
}

// requirement draws one on a key; values are drawn in a sorted prefix.
func requirement(t *rapid.T, key string, values ...string) policy.Selector {
	r := policy.Requirement{Key: key, Operator: pick(t, "operator", policy.In, policy.In, policy.NotIn, policy.Exists, policy.DoesNotExist)}
	if r.Operator == policy.In || r.Operator == policy.NotIn {
		i := rapid.IntRange(0, len(values)-1).Draw(t, "value")
		r.Values = values[i:min(len(values), i+rapid.IntRange(1, 2).Draw(t, "values"))]
	}
	return policy.Selector{Requirements: []policy.Requirement{r}}
}

// sampleFlow draws a flow in which at least one end is a pod; request is nil
// unless it is one of HTTP.
func sampleFlow(c Cluster) *rapid.Generator[sampledFlow] {
	return rapid.Custom(func(t *rapid.T) sampledFlow {
		var f sampledFlow
		a := rapid.IntRange(0, len(c.Pods)-1).Draw(t, "pod")
		f.From = PodPeer(c.Pods[a].Namespace, c.Pods[a].Name)
		if oneIn(t, "outside", 2) {
			f.To = Address(netip.MustParseAddr(pick(t, "address", outside...)))
		} else {
			b := rapid.IntRange(0, len(c.Pods)-2).Draw(t, "peer")
			if b >= a {
				b++
			}
			f.To = PodPeer(c.Pods[b].Namespace, c.Pods[b].Name)
		}
		if rapid.Bool().Draw(t, "back") {
			f.From, f.To = f.To, f.From
		}
		f.family6 = oneIn(t, "inet6", 4)
		if oneIn(t, "lineage", 2) {
			f.lineage = []string{"/usr/bin/node"}
		}
		f.Protocol = pick(t, "protocol", "TCP", "TCP", "TCP", "UDP", "SCTP", "ICMP")
		f.Port = pick(t, "port", uint16(53), 54, 79, 80, 80, 80, 82, 83, 443, 443, 800, 8080)
		switch {
		case f.Protocol == "ICMP":
			f.Port = 8
		case f.Protocol == "TCP" && f.Port != 53 && oneIn(t, "http", 2):
			f.request = &Request{
				Method: pick(t, "method", "GET", "POST", "PUT"), Host: "h",
				Target: pick(t, "target", "/", "/a", "/A", "/a/", "/a/b", "/a.b", "/axb", "/a+b", "/b", "/7", "/a?b", "/a?", "/a.b?c=/a", "/?a", "/7?x$", "/a?b=1"),
			}
		}
		return f
	})
}

type sampledFlow struct {
	Flow
	request *Request
	family6 bool
	lineage []string
}
