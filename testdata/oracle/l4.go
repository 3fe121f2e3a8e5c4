// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/u8proto"
)

// Connect judges whether a connection comes about, by the map state that the
// BPF programs look up (EndpointPolicy.Lookup has their precedence). A hop that
// goes through a proxy is allowed here whatever its L7 rules say.
//
// How Cilium decides at L3 and L4:
//
//   - Deny wins over every Allow, wherever they stand (IsDeny,
//     ToPrecedenceWithListenerPriority), and needs no Allow beside it. It has no
//     L7 rules and no names.
//   - A direction is default-deny for a pod as soon as one rule that selects the
//     pod has an entry for that direction and enableDefaultDeny for it is not
//     false; enableDefaultDeny true without an entry does nothing. Sanitize wants
//     at least one entry in the whole rule.
//   - An entry without peers and without ports, `{}`, matches nothing
//     (mergeL4Filter): `ingress: [{}]` denies all, and `egressDeny: [{}]` denies
//     nothing. "Everybody, every port" is fromEntities [all]. With ports, an
//     absent list of peers is everybody: pods, nodes, world. A present empty list
//     is nobody (mergeEndpointSelectors).
//   - Rules that all have enableDefaultDeny false leave the direction open, and
//     only their Denies act (computePolicyEnforcementAndRules adds an allow-all).
//   - The node of a pod may always connect to it, unless a Deny says otherwise:
//     probes go on working under default deny.
//   - A rule without toPorts is about all protocols, ICMP included. A rule with
//     toPorts, even port 0 and protocol ANY, is about TCP, UDP and SCTP alone.
//     ICMP is allowed by icmps, in a rule without toPorts.
//   - A port range counts with both ends; port 0 is all ports. At most 40 ports in
//     a toPorts entry; any number of entries.
//   - One entry has one kind of peer: toEndpoints beside toCIDR is refused.
//   - toCIDRSet's except is a hole in this rule only: another rule may allow it.
func (o *Cilium) Connect(f Flow) (Verdict, error) {
	v, _, _, err := o.connect(f)
	return v, err
}

// connect is Connect; it also returns what the L7 decisions go by.
func (o *Cilium) connect(f Flow) (v Verdict, egress, ingress hop, err error) {
	egress, err = o.hop(f, false)
	if err != nil {
		return v, egress, ingress, err
	}
	ingress, err = o.hop(f, true)
	return Verdict{Egress: egress.Hop, Ingress: ingress.Hop}, egress, ingress, err
}

// hop is one side of a flow, seen from the pod that it is decided for.
type hop struct {
	Hop
	endpoint  *endpoint // nil: no pod
	ingress   bool
	remote    identity.NumericIdentity
	transport u8proto.U8proto
	port      uint16
}

func (o *Cilium) hop(f Flow, ingress bool) (hop, error) {
	subject, peer := f.From, f.To
	if ingress {
		subject, peer = f.To, f.From
	}
	if _, err := o.ids.of(subject); err != nil {
		return hop{}, err
	}
	id, err := o.ids.of(peer)
	if err != nil {
		return hop{}, err
	}
	transport, err := u8proto.ParseProtocol(f.Protocol)
	if err != nil || transport == u8proto.ANY {
		return hop{}, fmt.Errorf("%s: protocol %q is not known", f, f.Protocol)
	}
	if f.Port == 0 {
		return hop{}, fmt.Errorf("%s: no port", f)
	}
	h := hop{
		Hop:       Hop{Allowed: true},
		endpoint:  o.endpoints[subject.pod],
		ingress:   ingress,
		remote:    id.ID,
		transport: transport,
		port:      f.Port,
	}
	if h.endpoint == nil {
		return h, nil
	}
	key := policy.EgressKey()
	if ingress {
		key = policy.IngressKey()
	}
	entry, _, _ := h.endpoint.policy.Lookup(key.WithIdentity(id.ID).WithPortProto(transport, f.Port))
	h.Allowed = !entry.IsDeny()
	switch entry.ProxyPort {
	case envoyPort:
		h.Proxy = HTTP
	case dnsPort:
		h.Proxy = DNS
	}
	return h, nil
}

// filters are the merged L4 filters of the hop's direction, over all tiers.
func (h hop) filters() policy.L4PolicyMaps {
	l4 := &h.endpoint.policy.SelectorPolicy.L4Policy
	if h.ingress {
		return l4.Ingress.PortRules
	}
	return l4.Egress.PortRules
}
