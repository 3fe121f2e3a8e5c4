// SPDX-License-Identifier: Apache-2.0

package networkpolicy

import (
	"bytes"
	"slices"
	"strconv"

	"sigs.k8s.io/yaml"

	"github.com/avert-dev/avert/compiler/emit/flows"
	"github.com/avert-dev/avert/compiler/policy"
)

// object is a NetworkPolicy of networking.k8s.io/v1, in the keys that are set.
type object struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       spec     `json:"spec"`
}

type metadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

type spec struct {
	PodSelector flows.LabelSelector `json:"podSelector"`
	PolicyTypes []string            `json:"policyTypes"`
	Ingress     []rule              `json:"ingress,omitempty"`
	Egress      []rule              `json:"egress,omitempty"`
}

// rule is an item of ingress (from) or egress (to). Neither is everyone.
type rule struct {
	From  []peer `json:"from,omitempty"`
	To    []peer `json:"to,omitempty"`
	Ports []port `json:"ports,omitempty"`
}

type peer struct {
	PodSelector       *flows.LabelSelector `json:"podSelector,omitempty"`
	NamespaceSelector *flows.LabelSelector `json:"namespaceSelector,omitempty"`
	IPBlock           *ipBlock             `json:"ipBlock,omitempty"`
}

type ipBlock struct {
	CIDR   string   `json:"cidr"`
	Except []string `json:"except,omitempty"`
}

type port struct {
	Protocol string `json:"protocol"`
	Port     uint16 `json:"port,omitempty"`
	EndPort  uint16 `json:"endPort,omitempty"`
}

// document collects the objects of one policy, one for each set of pods; the
// first is for all that the policy selects.
type document struct {
	policy   *policy.Policy
	subjects []policy.Selector
	objects  []*object
}

// object returns the one for the pods of a selector.
func (d *document) object(subject policy.Selector) *object {
	if i := slices.IndexFunc(d.subjects, subject.Equal); i >= 0 {
		return d.objects[i]
	}
	o := &object{
		APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy",
		Metadata: metadata{Name: d.policy.Name, Namespace: d.policy.Namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "avert"}},
		Spec:     spec{PodSelector: flows.Labels(subject, asIs)},
	}
	d.subjects = append(d.subjects, subject)
	d.objects = append(d.objects, o)
	if n := len(d.objects); n > 1 {
		// Names of policies have no dot, so this is the name of no other object.
		o.Metadata.Name += "." + strconv.Itoa(n)
	}
	return o
}

func asIs(key string) string { return key }

// isolate says that the object is about a direction.
func (o *object) isolate(d policy.Direction) {
	if !slices.Contains(o.Spec.PolicyTypes, d.String()) {
		o.Spec.PolicyTypes = append(o.Spec.PolicyTypes, d.String())
	}
}

// allow adds an allowance in a direction.
func (o *object) allow(d policy.Direction, g *flows.Group) {
	o.isolate(d)
	peers, ports := peers(o.Metadata.Namespace, g.Peers), ports(g.Ports)
	if d == policy.Ingress {
		o.Spec.Ingress = append(o.Spec.Ingress, rule{From: peers, Ports: ports})
	} else {
		o.Spec.Egress = append(o.Spec.Egress, rule{To: peers, Ports: ports})
	}
}

// peers is nil for everyone.
func peers(namespace string, all []flows.Peer) []peer {
	var out []peer
	for _, p := range all {
		switch p.Kind {
		case flows.Everyone:
			return nil
		case flows.Pods:
			pods := flows.Labels(p.PodLabels, asIs)
			var q peer
			if !p.OwnNamespace(namespace) {
				namespaces := flows.Labels(p.Namespaces, asIs)
				q.NamespaceSelector = &namespaces
			}
			if len(p.PodLabels.Requirements) > 0 || q.NamespaceSelector == nil {
				q.PodSelector = &pods
			}
			out = append(out, q)
		case flows.Addresses:
			block := &ipBlock{CIDR: p.Prefix.String()}
			for _, e := range p.Except {
				block.Except = append(block.Except, e.String())
			}
			out = append(out, peer{IPBlock: block})
		}
	}
	return out
}

func ports(ranges flows.Ports) []port {
	var out []port
	for _, r := range ranges {
		switch {
		case r.Whole():
			out = append(out, port{Protocol: r.Protocol})
		case r.First == r.Last:
			out = append(out, port{Protocol: r.Protocol, Port: r.First})
		default:
			out = append(out, port{Protocol: r.Protocol, Port: r.First, EndPort: r.Last})
		}
	}
	return out
}

// bytes returns the objects as YAML documents; nil when there are none.
func (d *document) bytes() []byte {
	var out bytes.Buffer
	for i, o := range d.objects {
		if i > 0 {
			out.WriteString("---\n")
		}
		b, err := yaml.Marshal(o)
		if err != nil {
			panic(err) // strings and numbers always encode
		}
		out.Write(b)
	}
	return out.Bytes()
}
