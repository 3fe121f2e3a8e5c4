// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

var directions = map[string]policy.Direction{"": policy.BothDirections, "Ingress": policy.Ingress, "Egress": policy.Egress}

func (c *checker) network(s *syntax.NetworkSection, known map[string]diag.Span) *policy.NetworkSection {
	out := &policy.NetworkSection{Ingress: actions[s.Default.Ingress.Value], Egress: actions[s.Default.Egress.Value], DefaultSpan: s.Default.Place}
	for i := range s.Rules {
		r := &s.Rules[i]
		rule := policy.NetworkRule{Rule: c.rule(policy.Network, &r.RuleHead, r.From, known), Direction: directions[r.Direction.Value]}
		for i := range r.Peers {
			if peer, ok := c.peer(&r.Peers[i], r); ok {
				rule.Peers = append(rule.Peers, peer)
			}
		}
		for i := range r.Ports {
			if port, ok := c.port(&r.Ports[i]); ok {
				rule.Ports = append(rule.Ports, port)
			}
		}
		for i := range r.HTTP {
			rule.HTTP = append(rule.HTTP, c.http(&r.HTTP[i]))
		}
		rule.Families = c.canonical(r.Families, "address family", linux.AddressFamily, linux.AddressFamilyNames())
		rule.Types = c.canonical(r.Types, "socket type", linux.SocketType, linux.SocketTypeNames())
		if !c.failed {
			c.combination(r, &rule)
		}
		if !c.failed {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}

// canonical checks address families or socket types, and returns each under
// its common name.
func (c *checker) canonical(texts []syntax.Text, what string, number func(string) (int, bool), all []string) []string {
	var out []string
	seen := map[string]diag.Span{}
	for _, t := range texts {
		if t.Value == "" && c.failed {
			continue
		}
		if _, ok := number(t.Value); !ok {
			c.unknown(diag.UnknownWord, "there is no "+what, t, all)
			continue
		}
		word := t.Value
		if common, ok := aliases[word]; ok {
			word = common
		}
		if !c.repeated(seen, word, t) {
			out = append(out, word)
		}
	}
	return out
}

// aliases are the second names of address families (man 7 address_families).
var aliases = map[string]string{"local": "unix", "file": "unix", "route": "netlink"}

func (c *checker) port(p *syntax.Port) (policy.Port, bool) {
	if p.Flawed {
		return policy.Port{}, false
	}
	out := policy.Port{Protocol: cmp.Or(p.Protocol.Value, "TCP"), Port: uint16(p.Port.Value), EndPort: uint16(cmp.Or(p.EndPort.Value, p.Port.Value)), Span: p.Place}
	for _, n := range []syntax.Number{p.Port, p.EndPort} {
		if n.Given() && (n.Value == 0 || n.Value > math.MaxUint16) {
			c.report(diag.InvalidPort, n.Span, fmt.Sprintf("%d is not a port", n.Value), diag.Hint("ports are 1 to 65535; without port every port of the protocol is meant"))
			return out, false
		}
	}
	switch {
	case p.EndPort.Given() && !p.Port.Given():
		c.report(diag.InvalidPort, p.EndPort.Span, "endPort without port", diag.Hint("port is the first of the range, endPort the last"))
	case p.EndPort.Given() && p.EndPort.Value < p.Port.Value:
		c.report(diag.InvalidPort, p.EndPort.Span, fmt.Sprintf("endPort %d is below port %d", p.EndPort.Value, p.Port.Value), diag.Hint("did you mean port: %d, endPort: %d?", p.EndPort.Value, p.Port.Value))
	default:
		return out, true
	}
	return out, false
}

// combination checks what parts of a rule say about each other.
func (c *checker) combination(r *syntax.NetworkRule, rule *policy.NetworkRule) {
	inet := len(rule.Families) == 0 || slices.Contains(rule.Families, "inet") || slices.Contains(rule.Families, "inet6")
	other := slices.ContainsFunc(r.Families, func(t syntax.Text) bool { return t.Value != "inet" && t.Value != "inet6" })
	first := func(what string, at diag.Span) {
		c.report(diag.ConflictingKeys, at, what+" are of INET and INET6, and the rule names another family", diag.Hint("write two rules, or leave out families"))
	}
	switch {
	case other && len(r.Peers) > 0:
		first("peers", r.Peers[0].Place)
	case other && len(r.Ports) > 0:
		first("ports", r.Ports[0].Place)
	}
	if len(r.HTTP) > 0 {
		c.httpNeeds(r, rule)
	}
	if !inet && rule.Direction == policy.Ingress {
		c.report(diag.ConflictingKeys, r.Direction.Span, "sockets of other families than INET and INET6 are judged where they are opened", diag.Hint("leave out direction, or write Egress"))
	}
	if len(rule.Types) > 0 && len(rule.Ports) > 0 && !slices.ContainsFunc(rule.Ports, func(p policy.Port) bool {
		return slices.Contains(rule.Types, socketTypes[p.Protocol]) || p.Protocol == "SCTP"
	}) {
		c.report(diag.DeadRule, r.Types[0].Span, fmt.Sprintf("no socket of the types has a port of the protocols: %s is of %s sockets", rule.Ports[0].Protocol, socketTypes[rule.Ports[0].Protocol]))
	}
}

// socketTypes is what sockets of a protocol usually are; SCTP has two.
var socketTypes = map[string]string{"TCP": "stream", "UDP": "dgram", "SCTP": "stream"}

func (c *checker) httpNeeds(r *syntax.NetworkRule, rule *policy.NetworkRule) {
	at := r.HTTP[0].Place
	switch {
	case len(r.Families) > 0:
		c.report(diag.ConflictingKeys, r.Families[0].Span, "http and families exclude each other", diag.Hint("requests are of INET and INET6"))
	case len(r.Types) > 0:
		c.report(diag.ConflictingKeys, r.Types[0].Span, "http and types exclude each other", diag.Hint("requests are of stream sockets"))
	case len(rule.Ports) == 0:
		c.report(diag.InvalidHTTP, at, "http needs ports", diag.Hint("say where requests are expected, such as ports: [{port: 80}]"))
	}
	for _, p := range rule.Ports {
		switch {
		case p.Protocol != "TCP":
			c.report(diag.InvalidHTTP, p.Span, "http needs ports of TCP, and this is "+p.Protocol)
		case p.Port == 0:
			c.report(diag.InvalidHTTP, p.Span, "http needs port numbers, and this is every port", diag.Hint("say where requests are expected, such as {port: 80}"))
		}
	}
}

// join lists words for people.
func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
