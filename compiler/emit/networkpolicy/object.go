// SPDX-License-Identifier: Apache-2.0

package networkpolicy

import (
	"bytes"
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

// document collects the objects of one policy, the first for all of its pods.
type document struct {
	policy  *policy.Policy
	objects []*object
	bySpec  map[string]*object
}

// object returns the one for the pods of a selector.
func (d *document) object(subject policy.Selector) *object {
	selector := flows.Labels(subject, asIs)
	key, err := yaml.Marshal(selector)
	if err != nil {
		panic(err) // labels always encode
	}
	if o := d.bySpec[string(key)]; o != nil {
		return o
	}
	o := &object{
		APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy",
		Metadata: metadata{Name: d.policy.Name, Namespace: d.policy.Namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "avert"}},
		Spec:     spec{PodSelector: selector},
	}
	d.objects = append(d.objects, o)
	if n := len(d.objects); n > 1 {
		// Names of policies have no dot, so this is the name of no other object.
		o.Metadata.Name += "." + strconv.Itoa(n)
	}
	if d.bySpec == nil {
		d.bySpec = map[string]*object{}
	}
	d.bySpec[string(key)] = o
	return o
}

func asIs(key string) string { return key }

// isolate says that the object is about a direction.
func (o *object) isolate(d policy.Direction) {
	for _, t := range o.Spec.PolicyTypes {
		if t == d.String() {
			return
		}
	}
	o.Spec.PolicyTypes = append(o.Spec.PolicyTypes, d.String())
}

// allow adds what one rule allows in a direction.
func (o *object) allow(d policy.Direction, namespace string, boxes []flows.Box) {
	o.isolate(d)
	for len(boxes) > 0 {
		var same, others []flows.Box
		for _, b := range boxes {
			if b.Ports.Equal(boxes[0].Ports) {
				same = append(same, b)
			} else {
				others = append(others, b)
			}
		}
		r := rule{Ports: ports(boxes[0].Ports)}
		peers := peers(namespace, same)
		if d == policy.Ingress {
			r.From = peers
			o.Spec.Ingress = append(o.Spec.Ingress, r)
		} else {
			r.To = peers
			o.Spec.Egress = append(o.Spec.Egress, r)
		}
		boxes = others
	}
}

// peers is nil for everyone.
func peers(namespace string, boxes []flows.Box) []peer {
	var out []peer
	for _, b := range boxes {
		p := b.Peer
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

// bytes returns the objects as YAML documents.
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
