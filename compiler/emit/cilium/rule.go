// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"slices"
	"strconv"

	"github.com/cilium/cilium/pkg/policy/api"
	"sigs.k8s.io/yaml"

	"github.com/avert-dev/avert/compiler/emit/flows"
	"github.com/avert-dev/avert/compiler/policy"
)

// object is a CiliumNetworkPolicy without what only the cluster fills in.
type object struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Metadata   metadata    `json:"metadata"`
	Spec       *api.Rule   `json:"spec,omitempty"`
	Specs      []*api.Rule `json:"specs,omitempty"`
}

type metadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

// document collects the rules of one policy, one for each set of pods.
type document struct {
	policy   *policy.Policy
	subjects []policy.Selector
	specs    []*api.Rule
	isolated []func()
}

func (d *document) spec(s policy.Selector) *api.Rule {
	i := slices.IndexFunc(d.subjects, s.Equal)
	if i < 0 {
		i = len(d.subjects)
		d.subjects = append(d.subjects, s)
		d.specs = append(d.specs, &api.Rule{EndpointSelector: subject(s)})
	}
	return d.specs[i]
}

// isolate makes the default of a direction deny, whatever is allowed later.
func (d *document) isolate(s policy.Selector, dir policy.Direction) {
	spec := d.spec(s)
	d.isolated = append(d.isolated, func() {
		// Any entry does it; one without peers and ports allows nothing.
		switch {
		case dir == policy.Ingress && len(spec.Ingress) == 0:
			spec.Ingress = []api.IngressRule{{}}
		case dir == policy.Egress && len(spec.Egress) == 0:
			spec.Egress = []api.EgressRule{{}}
		}
	})
}

// open keeps entries from making the default of a direction deny.
func (d *document) open(s policy.Selector, dir policy.Direction) {
	no := false
	if dir == policy.Ingress {
		d.spec(s).EnableDefaultDeny.Ingress = &no
	} else {
		d.spec(s).EnableDefaultDeny.Egress = &no
	}
}

// l7 is what a proxy asks of the traffic.
type l7 struct {
	http api.PortRulesHTTP
	dns  bool
}

func (r *l7) rules() *api.L7Rules {
	switch {
	case r == nil:
		return nil
	case r.dns:
		return &api.L7Rules{DNS: api.PortRulesDNS{{MatchPattern: "*"}}}
	}
	return &api.L7Rules{HTTP: r.http}
}

// allow adds what one rule allows in a direction.
func (d *document) allow(dir policy.Direction, boxes []flows.Box, l7 *l7) {
	for _, g := range flows.Groups(boxes) {
		spec := d.spec(g.Subject)
		var ports api.PortRules
		for chunk := range slices.Chunk(portsOf(g.Ports), maxPorts) {
			ports = append(ports, api.PortRule{Ports: chunk, Rules: l7.rules()})
		}
		for _, p := range d.peers(g.Peers) {
			if dir == policy.Ingress {
				spec.Ingress = append(spec.Ingress, api.IngressRule{IngressCommonRule: p.from(), ToPorts: ports})
			} else {
				spec.Egress = append(spec.Egress, api.EgressRule{EgressCommonRule: p.to(), ToFQDNs: p.names, ToPorts: ports})
			}
		}
	}
}

// deny adds what one rule denies in a direction.
func (d *document) deny(dir policy.Direction, boxes []flows.Box) {
	for _, g := range flows.Groups(boxes) {
		spec := d.spec(g.Subject)
		var ports api.PortDenyRules
		for chunk := range slices.Chunk(portsOf(g.Ports), maxPorts) {
			ports = append(ports, api.PortDenyRule{Ports: chunk})
		}
		for _, p := range d.peers(g.Peers) {
			if dir == policy.Ingress {
				spec.IngressDeny = append(spec.IngressDeny, api.IngressDenyRule{IngressCommonRule: p.from(), ToPorts: ports})
			} else {
				spec.EgressDeny = append(spec.EgressDeny, api.EgressDenyRule{EgressCommonRule: p.to(), ToPorts: ports})
			}
		}
	}
}

// maxPorts is how many ports Cilium takes in one list.
const maxPorts = 40

func portsOf(ranges flows.Ports) []api.PortProtocol {
	var out []api.PortProtocol
	for _, r := range ranges {
		p := api.PortProtocol{Port: strconv.Itoa(int(r.First)), Protocol: api.L4Proto(r.Protocol)}
		switch {
		case r.Whole():
			p.Port = "0"
		case r.First < r.Last:
			p.EndPort = int32(r.Last)
		}
		out = append(out, p)
	}
	return out
}

// entry has peers of one kind, which is all that one entry takes.
type entry struct {
	endpoints []api.EndpointSelector
	entities  api.EntitySlice
	cidrs     api.CIDRRuleSlice
	names     api.FQDNSelectorSlice
}

func (e entry) from() api.IngressCommonRule {
	return api.IngressCommonRule{FromEndpoints: e.endpoints, FromEntities: e.entities, FromCIDRSet: e.cidrs}
}

func (e entry) to() api.EgressCommonRule {
	return api.EgressCommonRule{ToEndpoints: e.endpoints, ToEntities: e.entities, ToCIDRSet: e.cidrs}
}

// nodes are the entities that are neither pods nor outside the cluster.
var nodes = api.EntitySlice{
	api.EntityHealth, api.EntityHost, api.EntityIngress, api.EntityInit,
	api.EntityKubeAPIServer, api.EntityRemoteNode, api.EntityUnmanaged,
}

// peers returns one entry for each kind.
func (d *document) peers(peers []flows.Peer) []entry {
	var pods, entities, cidrs, names entry
	for _, p := range peers {
		switch p.Kind {
		case flows.Everyone:
			return []entry{{entities: api.EntitySlice{api.EntityAll}}}
		case flows.Pods:
			pods.endpoints = append(pods.endpoints, endpoints(p, d.policy.Namespace))
		case flows.Nodes:
			entities.entities = nodes
		case flows.Addresses:
			cidr := api.CIDRRule{Cidr: api.CIDR(p.Prefix.String())}
			for _, e := range p.Except {
				cidr.ExceptCIDRs = append(cidr.ExceptCIDRs, api.CIDR(e.String()))
			}
			cidrs.cidrs = append(cidrs.cidrs, cidr)
		case flows.Name:
			name := api.FQDNSelector{MatchName: p.FQDN}
			if p.Pattern() {
				name = api.FQDNSelector{MatchPattern: p.FQDN}
			}
			names.names = append(names.names, name)
		}
	}
	return slices.DeleteFunc([]entry{pods, entities, cidrs, names}, func(e entry) bool {
		return e.endpoints == nil && e.entities == nil && e.cidrs == nil && e.names == nil
	})
}

// bytes returns the object as YAML. It is an error, and a defect, if Cilium
// would refuse it.
func (d *document) bytes() ([]byte, error) {
	for _, isolate := range d.isolated {
		isolate()
	}
	o := object{
		APIVersion: "cilium.io/v2", Kind: "CiliumNetworkPolicy",
		Metadata: metadata{Name: d.policy.Name, Namespace: d.policy.Namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "avert"}},
	}
	if len(d.specs) == 1 {
		o.Spec = d.specs[0]
	} else {
		o.Specs = d.specs
	}
	data, err := yaml.Marshal(o)
	if err != nil {
		return nil, err
	}
	for _, s := range d.specs { // Sanitize rewrites them, so this comes last
		if err := s.Sanitize(); err != nil {
			return nil, err
		}
	}
	return data, nil
}
