// SPDX-License-Identifier: Apache-2.0

package networkpolicy

import (
	"slices"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/flows"
)

// compiler makes the objects of all policies and notes what they do not hold.
type compiler struct {
	flows.Answers
	endPort  bool // ranges of ports exist
	onCilium bool
}

const (
	noHTTP    = "NetworkPolicy knows no HTTP requests"
	noNames   = "NetworkPolicy knows no domain names"
	anyName   = noNames + ": every address outside is allowed at the ports"
	anyPort   = "ranges of ports need Kubernetes 1.25: every port of the protocol is allowed"
	noDeny    = "NetworkPolicy cannot deny, and not every pod of the policy has a default of Block in this direction"
	notCarved = "NetworkPolicy cannot deny, and this cannot be carved out of the Allow beside it, rule "
	podRange  = "no pod has an address in the range: NetworkPolicy leaves open whether an ipBlock selects pods"
	allPods   = "all addresses are also those of pods: NetworkPolicy leaves open whether an ipBlock selects pods"
)

// compile returns the objects of one policy; nil when there are none.
func (c *compiler) compile(p *flows.Plan) []byte {
	doc := &document{policy: p.Policy}
	for i := range p.Sides {
		s := &p.Sides[i]
		if s.Isolates {
			doc.object(p.Subject).isolate(s.Direction)
		}
		for _, r := range s.Emitted {
			boxes := c.carve(s, r, c.widen(r, p.Boxes(r)))
			if !c.endPort {
				boxes = single(boxes)
			}
			for _, g := range flows.Groups(boxes) {
				doc.object(g.Subject).allow(s.Direction, g)
			}
		}
		for _, b := range s.Own {
			if !s.Isolated && len(b.Boxes) > 0 {
				c.Not(b, emit.None, noDeny)
			}
		}
	}
	return doc.bytes()
}

// widen returns what can be expressed of an Allow: all of it, and more where a
// condition has to go.
func (c *compiler) widen(r *flows.Rule, boxes []flows.Box) []flows.Box {
	for _, reason := range r.Missing {
		c.Not(r, emit.Looser, reason)
	}
	if len(r.HTTP) > 0 {
		c.Not(r, emit.Looser, noHTTP)
	}
	var out []flows.Box
	for _, b := range boxes {
		if !c.fits(b.Ports) {
			c.Not(r, emit.Looser, anyPort)
			b.Ports = c.wholes(b.Ports)
		}
		switch {
		case b.Peer.Kind == flows.Name:
			c.Not(r, emit.Looser, anyName)
			for _, world := range flows.World {
				out = append(out, flows.Box{Subject: b.Subject, Peer: world, Ports: b.Ports})
			}
			continue
		case b.Peer.Whole():
			c.Not(r, emit.Looser, allPods)
		case b.Peer.Kind == flows.Addresses:
			c.Rests(r, podRange)
		}
		out = append(out, b)
	}
	return flows.Compact(out)
}

// maxPorts is how many ports stand for a range where there are no ranges.
const maxPorts = 32

func (c *compiler) fits(ports flows.Ports) bool {
	return c.endPort || !slices.ContainsFunc(ports, wide)
}

func wide(r flows.PortRange) bool { return !r.Whole() && r.Last-r.First >= maxPorts }

func (c *compiler) wholes(ports flows.Ports) flows.Ports {
	out := slices.Clone(ports)
	for i, r := range out {
		if wide(r) {
			out[i] = flows.PortRange{Protocol: r.Protocol, First: 1, Last: 65535}
		}
	}
	return out
}

// single writes ranges of ports, which are few, port by port.
func single(boxes []flows.Box) []flows.Box {
	out := slices.Clone(boxes)
	for i, b := range out {
		var ports flows.Ports
		for _, r := range b.Ports {
			if r.Whole() {
				ports = append(ports, r)
				continue
			}
			for p := int(r.First); p <= int(r.Last); p++ {
				ports = append(ports, flows.PortRange{Protocol: r.Protocol, First: uint16(p), Last: uint16(p)})
			}
		}
		out[i].Ports = ports
	}
	return out
}

// carve subtracts every Block that may apply to the same pods, until there are
// too many pieces.
func (c *compiler) carve(s *flows.Side, r *flows.Rule, boxes []flows.Box) []flows.Box {
	left, outcome := boxes, flows.Done
	for _, b := range s.Blocks {
		for _, hole := range b.Boxes {
			around := left
			if outcome == flows.TooMany {
				around = boxes // fewer to compare with
			}
			if !slices.ContainsFunc(around, hole.Overlaps) {
				continue
			}
			status, reason := inexpressible(b, hole)
			if reason == "" {
				if outcome != flows.TooMany {
					left, outcome = c.subtract(left, hole)
				}
				if outcome == flows.Done {
					continue
				}
				status, reason = emit.Looser, notCarved+r.Source.ID()
			}
			c.Not(b, status, reason)
		}
	}
	c.readmitted(s, boxes, left)
	return left
}

// inexpressible says why a Block, or one box of it, can be carved out of
// nothing.
func inexpressible(b *flows.Rule, hole flows.Box) (emit.Status, string) {
	switch {
	case len(b.Missing) > 0:
		return emit.None, b.Missing[0]
	case len(b.HTTP) > 0:
		return emit.None, noHTTP
	case hole.Peer.Kind == flows.Name:
		if slices.ContainsFunc(b.Boxes, func(o flows.Box) bool { return o.Peer.Kind != flows.Name }) {
			return emit.Looser, noNames
		}
		return emit.None, noNames
	}
	return emit.Exact, ""
}

func (c *compiler) subtract(boxes []flows.Box, hole flows.Box) ([]flows.Box, flows.Outcome) {
	// Everyone becomes pods and addresses. To Cilium the addresses of nodes are
	// not among these.
	if c.onCilium && hole.Peer.Kind != flows.Everyone && slices.ContainsFunc(boxes, func(b flows.Box) bool {
		return b.Peer.Kind == flows.Everyone && b.Overlaps(hole)
	}) {
		return boxes, flows.Stuck
	}
	left, outcome := flows.Subtract(boxes, hole)
	if outcome != flows.Done {
		return boxes, outcome
	}
	left = slices.DeleteFunc(left, func(b flows.Box) bool { return b.Peer.Kind == flows.Nodes })
	if slices.ContainsFunc(left, func(b flows.Box) bool { return !c.fits(b.Ports) }) {
		return boxes, flows.Stuck
	}
	return flows.Compact(left), flows.Done
}

// readmitted notes Blocks of pods that an ipBlock, of what is left of the boxes
// of a rule, may undo. What is left of the whole world may have pods anywhere.
func (c *compiler) readmitted(s *flows.Side, boxes, left []flows.Box) {
	world := slices.ContainsFunc(boxes, func(b flows.Box) bool {
		return b.Peer.Kind == flows.Everyone || b.Peer.Kind == flows.Addresses && b.Peer.Prefix.Bits() == 0
	})
	for _, b := range left {
		if b.Peer.Kind != flows.Addresses {
			continue
		}
		for _, block := range s.Blocks {
			for _, hole := range block.Boxes {
				switch {
				case hole.Peer.Kind != flows.Pods || !b.Overlaps(flows.Box{Subject: hole.Subject, Ports: hole.Ports}):
				case world:
					c.Not(block, emit.Looser, allPods)
				default:
					c.Rests(block, podRange)
				}
			}
		}
	}
}
