// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"cmp"
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// PortRange is a range of ports of one protocol with both ends in it; 1 to
// 65535 is the whole protocol.
type PortRange struct {
	Protocol    string // TCP, UDP or SCTP
	First, Last uint16
}

// Whole says whether the range is every port of its protocol.
func (r PortRange) Whole() bool { return r.First == 1 && r.Last == 65535 }

// Ports is a union of ranges, sorted. Nil is everything: every port of every
// protocol, and protocols without ports such as ICMP.
type Ports []PortRange

// portsOf returns the ports of a rule.
func portsOf(ports []policy.Port) Ports {
	var out Ports
	for _, p := range ports {
		r := PortRange{p.Protocol, p.Port, max(p.Port, p.EndPort)}
		if p.Port == 0 {
			r = PortRange{p.Protocol, 1, 65535}
		}
		out = append(out, r)
	}
	return out.sorted()
}

func (p Ports) sorted() Ports {
	slices.SortFunc(p, func(a, b PortRange) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
	})
	return slices.Compact(p)
}

func (p Ports) overlaps(o Ports) bool {
	if p == nil || o == nil {
		return true
	}
	for _, r := range p {
		for _, s := range o {
			if r.Protocol == s.Protocol && r.First <= s.Last && s.First <= r.Last {
				return true
			}
		}
	}
	return false
}

// and returns the ports that both have; never nil unless both are.
func (p Ports) and(o Ports) Ports {
	switch {
	case p == nil:
		return o
	case o == nil:
		return p
	}
	out := Ports{}
	for _, r := range p {
		for _, s := range o {
			if both := (PortRange{r.Protocol, max(r.First, s.First), min(r.Last, s.Last)}); r.Protocol == s.Protocol && both.First <= both.Last {
				out = append(out, both)
			}
		}
	}
	return out.sorted()
}

// minus returns the ports of p that o has not; none is empty and not nil. It is
// not ok when protocols without ports would be left, which no list can name.
func (p Ports) minus(o Ports) (Ports, bool) {
	rest := Ports{}
	switch {
	case o == nil:
		return rest, true
	case p == nil:
		return nil, false
	}
	for _, r := range p {
		pieces := []PortRange{r}
		for _, hole := range o {
			var next []PortRange
			for _, piece := range pieces {
				next = append(next, piece.minus(hole)...)
			}
			pieces = next
		}
		rest = append(rest, pieces...)
	}
	return rest.sorted(), true
}

func (r PortRange) minus(hole PortRange) []PortRange {
	if r.Protocol != hole.Protocol || hole.Last < r.First || r.Last < hole.First {
		return []PortRange{r}
	}
	var out []PortRange
	if r.First < hole.First {
		out = append(out, PortRange{r.Protocol, r.First, hole.First - 1})
	}
	if hole.Last < r.Last {
		out = append(out, PortRange{r.Protocol, hole.Last + 1, r.Last})
	}
	return out
}

// Equal says whether both have the same ranges.
func (p Ports) Equal(o Ports) bool { return (p == nil) == (o == nil) && slices.Equal(p, o) }
