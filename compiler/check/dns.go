// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

// dns reports domain names that pods may connect to but not resolve.
func dns(p *policy.Policy, together *neighbours, list *diag.List) {
	if p.Network == nil || p.Network.Egress != policy.Block {
		return
	}
	var named *policy.NetworkRule
	var at diag.Span
	for i := range p.Network.Rules {
		r := &p.Network.Rules[i]
		if k := slices.IndexFunc(r.Peers, func(p policy.Peer) bool { return p.Kind == policy.PeerFQDN }); k >= 0 && r.Action != policy.Block {
			named, at = r, r.Peers[k].Span
			break
		}
	}
	if named == nil || slices.ContainsFunc(p.Network.Rules, allowsDNS) {
		return
	}
	for q := range together.of(p) {
		if q.Network != nil && slices.ContainsFunc(q.Network.Rules, allowsDNS) {
			return
		}
	}
	list.Report(diag.DNSMissing, at, fmt.Sprintf("rule %s names a domain, and no rule lets the pod resolve it", named.ID()),
		diag.Hint("add {name: dns, action: Allow, direction: Egress, peers: [{dns: cluster}]}"))
}

func allowsDNS(r policy.NetworkRule) bool {
	return r.Action != policy.Block && r.Direction.Includes(policy.Egress) && len(r.HTTP) == 0 &&
		(len(r.Ports) == 0 || slices.ContainsFunc(r.Ports, func(p policy.Port) bool {
			return p.Protocol != "SCTP" && (p.Port == 0 || p.Port <= 53 && 53 <= p.EndPort)
		})) &&
		(len(r.Peers) == 0 || slices.ContainsFunc(r.Peers, func(p policy.Peer) bool { return p.Kind != policy.PeerFQDN }))
}
