// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"slices"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/flows"
)

const (
	besideL4  = "names and addresses cannot be told apart, so HTTP would shut out what rules beside it allow: every request is allowed"
	besideDNS = "one port cannot have both HTTP and DNS rules in Cilium: every request is allowed"
	tooMany   = "too many pieces are left beside rules without http: every request is allowed"
)

// divide says which boxes of a rule with http are allowed by HTTP rules, and
// which have to be allowed at L4. What a rule without http allows, l4, is in
// none of the former, for a redirect to Envoy has precedence and lets only HTTP
// through. named: some rule names a domain, so there are DNS rules.
func (c *compiler) divide(r *flows.Rule, boxes, l4 []flows.Box, named bool) (plain, http []flows.Box) {
	if named && slices.ContainsFunc(boxes, begins53) {
		c.Not(r, emit.Looser, besideDNS)
		return boxes, nil
	}
	http = boxes
	for _, other := range l4 {
		if !slices.ContainsFunc(http, other.Overlaps) {
			continue
		}
		var rest []flows.Box
		for _, b := range http {
			apart, stuck := minus(b, other)
			rest, plain = append(rest, apart...), append(plain, stuck...)
		}
		if http = flows.Compact(rest); len(http) > flows.MaxPieces {
			c.Not(r, emit.Looser, tooMany)
			return append(plain, http...), nil
		}
	}
	if len(plain) > 0 {
		c.Not(r, emit.Looser, besideL4)
	}
	return plain, http
}

// begins53: Cilium knows the redirects of a direction by the first port.
func begins53(b flows.Box) bool {
	return slices.ContainsFunc(b.Ports, func(r flows.PortRange) bool { return r.First == 53 })
}

// minus is Box.Minus, with everyone taken apart where a part of it is stuck.
func minus(b, l4 flows.Box) (rest, stuck []flows.Box) {
	rest, stuck = b.Minus(l4)
	if len(stuck) == 0 || b.Peer.Kind != flows.Everyone {
		return rest, stuck
	}
	rest, stuck = nil, nil
	for _, part := range flows.Parts() {
		r, s := flows.Box{Subject: b.Subject, Peer: part, Ports: b.Ports}.Minus(l4)
		rest, stuck = append(rest, r...), append(stuck, s...)
	}
	return rest, stuck
}
