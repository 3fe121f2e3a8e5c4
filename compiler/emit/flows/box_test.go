// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/policy"
)

// point is one flow: of a pod, with a peer, at a port; no protocol is ICMP.
type point struct {
	subject, namespace, pod map[string]string
	addr                    netip.Addr // of a peer outside
	name                    string     // that it resolved from
	node                    bool
	protocol                string
	port                    uint16
}

func (b Box) has(p point) bool {
	ports := b.Ports == nil || slices.ContainsFunc(b.Ports, func(r PortRange) bool {
		return r.Protocol == p.protocol && r.First <= p.port && p.port <= r.Last
	})
	return ports && b.Peer.has(p) && b.Subject.Matches(p.subject)
}

func (p Peer) has(at point) bool {
	switch p.Kind {
	case Pods:
		return at.pod != nil && p.Namespaces.Matches(at.namespace) && p.PodLabels.Matches(at.pod)
	case Nodes:
		return at.node
	case Addresses:
		return at.addr.IsValid() && p.Prefix.Contains(at.addr) && !slices.ContainsFunc(p.Except, func(e netip.Prefix) bool { return e.Contains(at.addr) })
	case Name:
		return at.addr.IsValid() && at.name == p.FQDN
	}
	return true
}

func anyHas(boxes []Box, p point) bool {
	return slices.ContainsFunc(boxes, func(b Box) bool { return b.has(p) })
}

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

var boxes = rapid.Custom(func(t *rapid.T) Box {
	b := Box{Subject: drawSelector(t, "app", "tier"), Peer: Peer{Kind: pick(t, "kind", Everyone, Pods, Pods, Nodes, Addresses, Addresses, Name)}}
	switch b.Peer.Kind {
	case Pods:
		b.Peer.Namespaces, b.Peer.PodLabels = drawSelector(t, "team"), drawSelector(t, "app", "tier")
	case Addresses:
		prefix := netip.MustParsePrefix(pick(t, "prefix", "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/17", "::/0"))
		var except []netip.Prefix
		for _, e := range []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.128.0/17", "2001:db8::/32"} {
			if e := netip.MustParsePrefix(e); e.Overlaps(prefix) && e.Bits() > prefix.Bits() && rapid.Bool().Draw(t, "except") {
				except = append(except, e)
			}
		}
		b.Peer = addresses(prefix, except)
	case Name:
		b.Peer.FQDN = pick(t, "name", "a.example.com", "b.example.com")
	}
	for range rapid.IntRange(0, 2).Draw(t, "ports") {
		first := rapid.Uint16Range(1, 6).Draw(t, "first")
		b.Ports = append(b.Ports, PortRange{pick(t, "protocol", "TCP", "UDP"), first, first + rapid.Uint16Range(0, 4).Draw(t, "more")})
	}
	b.Ports = b.Ports.sorted()
	return b
})

func drawSelector(t *rapid.T, keys ...string) policy.Selector {
	var s policy.Selector
	for _, key := range keys {
		r := policy.Requirement{Key: key, Operator: pick(t, "operator", policy.In, policy.NotIn, policy.Exists, policy.DoesNotExist)}
		if r.Operator == policy.In || r.Operator == policy.NotIn {
			r.Values = pick(t, "values", []string{"a"}, []string{"b"}, []string{"a", "b"})
		}
		if pick(t, "required", true, false) {
			s = s.And(policy.Selector{Requirements: []policy.Requirement{r}})
		}
	}
	return s
}

var points = rapid.Custom(func(t *rapid.T) point {
	labels := func(keys ...string) map[string]string {
		m := map[string]string{}
		for _, k := range keys {
			if v := pick(t, k, "", "a", "b", "c"); v != "" {
				m[k] = v
			}
		}
		return m
	}
	p := point{subject: labels("app", "tier"), protocol: pick(t, "protocol", "TCP", "UDP", "")}
	if p.protocol != "" {
		p.port = rapid.Uint16Range(1, 11).Draw(t, "port")
	}
	switch pick(t, "peer", "pod", "pod", "node", "address", "address") {
	case "pod":
		p.namespace, p.pod = labels("team"), labels("app", "tier")
	case "node":
		p.node = true
	default:
		p.addr = netip.MustParseAddr(pick(t, "address", "9.9.9.9", "10.0.0.1", "10.1.0.1", "10.1.200.1", "10.2.0.1", "2001:db8::1", "2001:db9::1"))
		p.name = pick(t, "name", "", "a.example.com", "b.example.com")
	}
	return p
})

func TestMinus(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, o := boxes.Draw(t, "box"), boxes.Draw(t, "minus")
		rest, stuck := b.Minus(o)
		for range 30 {
			p := points.Draw(t, "point")
			in := b.has(p) && !o.has(p)
			switch {
			case anyHas(rest, p) && !in:
				t.Fatalf("%+v is left", p)
			case in && !anyHas(rest, p) && !anyHas(stuck, p):
				t.Fatalf("%+v is lost", p)
			case anyHas(stuck, p) && !b.has(p):
				t.Fatalf("%+v is stuck, and was not there", p)
			case b.has(p) && o.has(p) && !b.Overlaps(o):
				t.Fatalf("%+v is in both", p)
			}
		}
	})
}

func TestCompact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(boxes, 0, 6).Draw(t, "boxes")
		for i := range all { // boxes that differ in one part may be within each other
			switch pick(t, "same", "peer", "ports", "nothing") {
			case "peer":
				all[i].Subject, all[i].Ports = all[0].Subject, all[0].Ports
			case "ports":
				all[i].Subject, all[i].Peer = all[0].Subject, all[0].Peer
			}
		}
		compact := Compact(all)
		for range 30 {
			if p := points.Draw(t, "point"); anyHas(all, p) != anyHas(compact, p) {
				t.Fatalf("%+v: %v became %v", p, all, compact)
			}
		}
	})
}

// A list of subtractions that would leave too many pieces is given up.
func TestSubtractGivesUp(t *testing.T) {
	left := []Box{{Peer: Peer{Kind: Pods}}}
	for i := range 40 {
		var hole Box
		hole.Peer.Kind = Pods
		for k := range 3 {
			hole.Peer.PodLabels = hole.Peer.PodLabels.And(policy.Selector{Requirements: []policy.Requirement{
				{Key: fmt.Sprintf("key-%d-%d", i, k), Operator: policy.Exists},
			}})
		}
		var outcome Outcome
		if left, outcome = Subtract(left, hole); outcome == TooMany {
			if len(left) > MaxPieces {
				t.Errorf("%d pieces", len(left))
			}
			return
		}
	}
	t.Errorf("%d pieces were taken", len(left))
}
