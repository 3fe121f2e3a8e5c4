// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/flows"
	"github.com/avert-dev/avert/compiler/policy"
)

// compiler makes the objects of all policies and notes what they do not hold.
type compiler struct {
	flows.Answers
	dialect flows.Dialect
	// optionalDeny: enableDefaultDeny exists (Cilium 1.16).
	optionalDeny bool
}

const (
	noHTTPDeny = "Cilium cannot deny by HTTP request"
	noNameDeny = "Cilium cannot deny by domain name"
	noDeny     = "a Cilium before 1.16 cannot deny without a default of deny, and not every pod of the policy has a default of Block in this direction"
	everyName  = "in Cilium's matchPattern a `*` alone is every name"
	viaEnvoy   = "Envoy gets the connections to the ports, and lets only HTTP through"
	viaProxy   = "queries go through Cilium's DNS proxy, which learns the addresses of names from the answers"
)

// compile returns the object of one policy; nil when there is none.
func (c *compiler) compile(p *flows.Plan) []byte {
	doc := &document{policy: p.Policy}
	for i := range p.Sides {
		s := &p.Sides[i]
		if s.Isolates {
			doc.isolate(p.Subject, s.Direction)
		}
		for _, b := range s.Own {
			c.deny(doc, p, s, b)
		}
		c.allow(doc, p, s)
	}
	if len(doc.specs) == 0 {
		return nil
	}
	data, err := doc.bytes()
	if err != nil {
		c.Lost(p.Policy, fmt.Sprintf("a defect of this back-end: Cilium refuses the object: %v", err))
		return nil
	}
	return data
}

// deny emits what can be denied of a Block rule.
func (c *compiler) deny(doc *document, p *flows.Plan, s *flows.Side, b *flows.Rule) {
	reason := ""
	switch {
	case len(b.Missing) > 0:
		reason = b.Missing[0]
	case len(b.HTTP) > 0:
		reason = noHTTPDeny
	case !c.optionalDeny && !s.Isolated:
		reason = noDeny
	}
	var held, not []flows.Box
	for _, box := range b.Boxes {
		if reason != "" || box.Peer.Kind == flows.Name {
			not = append(not, box)
		} else {
			held = append(held, box)
		}
	}
	if reason == "" {
		reason = noNameDeny
	}
	doc.deny(s.Direction, held)
	if len(held) > 0 && !s.Isolates && c.optionalDeny {
		doc.open(p.Subject, s.Direction)
	}
	if slices.ContainsFunc(not, func(box flows.Box) bool { return !s.Isolated || allowed(s, box) }) {
		status := emit.None
		if len(held) > 0 {
			status = emit.Looser
		}
		c.Not(b, status, reason)
	}
}

// allowed says whether an Allow may reach into a box; else the default of Block
// blocks all of it.
func allowed(s *flows.Side, box flows.Box) bool {
	return slices.ContainsFunc(s.Allows, func(r *flows.Rule) bool { return slices.ContainsFunc(r.Boxes, box.Overlaps) })
}

// allow emits the Allow and Audit rules of one direction.
func (c *compiler) allow(doc *document, p *flows.Plan, s *flows.Side) {
	if len(s.Emitted) == 0 {
		return
	}
	named := namedPods(s)
	var l4 []flows.Box
	for _, r := range s.Allows {
		if len(r.HTTP) == 0 {
			l4 = append(l4, r.Boxes...)
		}
	}
	for _, r := range s.Emitted {
		for _, reason := range r.Missing {
			c.Not(r, emit.Looser, reason)
		}
		for _, b := range r.Boxes {
			if b.Peer.FQDN == "*" {
				c.Not(r, emit.Looser, everyName)
			}
		}
		plain := p.Boxes(r)
		if len(r.HTTP) > 0 {
			var http []flows.Box
			plain, http = c.divide(r, plain, l4, len(named) > 0)
			rules, reasons := httpRules(r.HTTP)
			for _, reason := range reasons {
				c.Not(r, emit.Looser, reason)
			}
			c.Rests(r, viaEnvoy)
			doc.allow(s.Direction, http, &l7{http: rules})
		}
		var direct, dns []flows.Box
		for _, b := range plain {
			queries, whole := c.queries(b, named)
			dns = append(dns, queries...)
			if !whole {
				direct = append(direct, b)
			}
		}
		if len(dns) > 0 {
			c.Rests(r, viaProxy)
			doc.allow(s.Direction, flows.Compact(dns), &l7{dns: true})
		}
		doc.allow(s.Direction, flows.Compact(direct), nil)
	}
}

// namedPods returns selectors of the pods for which some rule names a domain.
func namedPods(s *flows.Side) []policy.Selector {
	var out []policy.Selector
	for _, r := range s.Allows {
		for _, b := range r.Boxes {
			if b.Peer.Kind == flows.Name && !slices.ContainsFunc(out, b.Subject.Equal) {
				out = append(out, b.Subject)
			}
		}
	}
	return out
}

// queries returns the part of a box that is queries of the named pods to the
// cluster's DNS; whole says that it is all of the box. Other pods stay clear of
// the DNS proxy.
func (c *compiler) queries(b flows.Box, named []policy.Selector) (part []flows.Box, whole bool) {
	peer, ports := c.dialect.DNSPeer()
	for _, subject := range named {
		dns := flows.Box{Subject: subject, Peer: peer, Ports: ports}
		if b.Overlaps(dns) {
			part = append(part, b.And(dns))
			whole = whole || b.Within(dns)
		}
	}
	return part, whole
}
