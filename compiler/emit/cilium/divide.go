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

// divide says, for each rule of s.Allows, which boxes are allowed at L4 and
// which by HTTP rules. What some rule allows at L4 is never in a box of the
// latter, for a redirect to Envoy has precedence and lets only HTTP through. A
// box that cannot be kept apart is allowed at L4.
func (c *compiler) divide(p *flows.Plan, s *flows.Side, named bool) (plain, http [][]flows.Box) {
	plain, http = make([][]flows.Box, len(s.Allows)), make([][]flows.Box, len(s.Allows))
	var work []flows.Box // at L4, not yet carved out of http
	give := func(i int, boxes []flows.Box, reason string) {
		if len(boxes) > 0 {
			plain[i] = append(plain[i], boxes...)
			work = append(work, boxes...)
			c.Not(s.Allows[i], emit.Looser, reason)
		}
	}
	for i, r := range s.Allows {
		boxes := p.Boxes(r)
		switch {
		case len(r.HTTP) == 0:
			plain[i] = boxes
			work = append(work, boxes...)
		case named && slices.ContainsFunc(boxes, begins53):
			give(i, boxes, besideDNS)
		case named || slices.Contains(s.Emitted, r):
			http[i] = boxes
		}
		// Without names nothing can become L4, so the rest has no effect here.
	}
	for len(work) > 0 {
		l4 := work[0]
		work = work[1:]
		for i := range http {
			if !slices.ContainsFunc(http[i], l4.Overlaps) {
				continue
			}
			var rest, stuck []flows.Box
			for _, b := range http[i] {
				r, s := minus(b, l4)
				rest, stuck = append(rest, r...), append(stuck, s...)
			}
			http[i] = flows.Compact(rest)
			give(i, stuck, besideL4)
			if len(http[i]) > flows.MaxPieces {
				rest, http[i] = http[i], nil
				give(i, rest, tooMany)
			}
		}
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
