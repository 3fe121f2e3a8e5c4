// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// Group is boxes that differ in the peer alone.
type Group struct {
	Subject policy.Selector
	Ports   Ports
	Peers   []Peer
}

// Groups groups boxes, in the order in which each kind first appears.
func Groups(boxes []Box) []*Group {
	var out []*Group
	for _, b := range boxes {
		i := slices.IndexFunc(out, func(g *Group) bool { return g.Ports.Equal(b.Ports) && g.Subject.Equal(b.Subject) })
		if i < 0 {
			i = len(out)
			out = append(out, &Group{Subject: b.Subject, Ports: b.Ports})
		}
		out[i].Peers = append(out[i].Peers, b.Peer)
	}
	return out
}
