// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// On NetworkPolicies without the known disagreements the two engines, which
// share no code, agree: the oracle's plumbing around both is right.
func TestEnginesAgree(t *testing.T) {
	c := shop()
	peers := []Peer{world, world6, lan, hole, stripe}
	for _, p := range c.Pods {
		peers = append(peers, PodPeer(p.Namespace, p.Name))
	}
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		for range rapid.IntRange(1, 4).Draw(t, "policies") {
			b, err := yaml.Marshal(drawPolicy(t))
			if err != nil {
				t.Fatal(err)
			}
			stream = append(append(stream, b...), "\n---\n"...)
		}
		docs, err := Parse(stream)
		if err != nil {
			t.Fatalf("%v\n%s", err, stream)
		}
		p, err := NewNetworkPolicies(c, docs)
		if err != nil {
			t.Fatal(err)
		}
		o, err := NewCilium(c, docs)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			f := Flow{
				From:     rapid.SampledFrom(peers).Draw(t, "from"),
				To:       rapid.SampledFrom(peers).Draw(t, "to"),
				Protocol: rapid.SampledFrom([]string{"TCP", "UDP"}).Draw(t, "protocol"),
				Port:     rapid.Uint16Range(78, 92).Draw(t, "port"),
			}
			want, err := p.Connect(f)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := o.Connect(f); err != nil || got != want {
				t.Fatalf("%s: Cilium %+v, %v; cyclonus %+v\n%s", f, got, err, want, stream)
			}
		}
	})
}

func drawPolicy(t *rapid.T) *networkingv1.NetworkPolicy {
	p := &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: rapid.SampledFrom([]string{"shop", "other"}).Draw(t, "namespace")},
	}
	p.Spec.PodSelector = *drawSelector(t, "app", "backend", "frontend", "database")
	for range rapid.IntRange(0, 2).Draw(t, "ingress") {
		p.Spec.Ingress = append(p.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: drawPeers(t), Ports: drawPorts(t)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "egress") {
		p.Spec.Egress = append(p.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: drawPeers(t), Ports: drawPorts(t)})
	}
	if p.Spec.Ingress != nil || p.Spec.Egress == nil || rapid.Bool().Draw(t, "isolate") {
		p.Spec.PolicyTypes = append(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress)
	}
	if p.Spec.Egress != nil || rapid.Bool().Draw(t, "isolate") {
		p.Spec.PolicyTypes = append(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
	}
	return p
}

func drawPeers(t *rapid.T) []networkingv1.NetworkPolicyPeer {
	var peers []networkingv1.NetworkPolicyPeer
	for range rapid.IntRange(0, 2).Draw(t, "peers") {
		var p networkingv1.NetworkPolicyPeer
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			// Below 10.244.0.0/16, where the pods are.
			p.IPBlock = &networkingv1.IPBlock{CIDR: rapid.SampledFrom([]string{"10.0.0.0/12", "10.9.2.0/24", "198.51.0.0/16", "2001:db8::/32"}).Draw(t, "cidr")}
			if p.IPBlock.CIDR == "10.0.0.0/12" && rapid.Bool().Draw(t, "except") {
				p.IPBlock.Except = []string{"10.9.0.0/16"}
			}
		case 1:
			p.PodSelector = drawSelector(t, "tier", "web", "data")
		case 2:
			p.NamespaceSelector = drawSelector(t, "team", "shop", "ops")
		case 3:
			p.PodSelector = drawSelector(t, "app", "backend", "frontend")
			p.NamespaceSelector = drawSelector(t, "kubernetes.io/metadata.name", "shop", "other", "kube-system")
		}
		peers = append(peers, p)
	}
	return peers
}

func drawSelector(t *rapid.T, key string, values ...string) *metav1.LabelSelector {
	s := &metav1.LabelSelector{}
	value := rapid.SampledFrom(values).Draw(t, "value")
	switch rapid.IntRange(0, 5).Draw(t, "operator") {
	case 0: // everything
	case 1:
		s.MatchLabels = map[string]string{key: value}
	case 2:
		s.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpIn, Values: values}}
	case 3:
		s.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: []string{value}}}
	case 4:
		s.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpExists}}
	case 5:
		s.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpDoesNotExist}}
	}
	return s
}

func drawPorts(t *rapid.T) []networkingv1.NetworkPolicyPort {
	var ports []networkingv1.NetworkPolicyPort
	for range rapid.IntRange(0, 2).Draw(t, "ports") {
		protocol := rapid.SampledFrom([]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP}).Draw(t, "protocol")
		p := networkingv1.NetworkPolicyPort{Protocol: &protocol}
		if rapid.Bool().Draw(t, "one port") {
			first := intstr.FromInt32(rapid.Int32Range(79, 91).Draw(t, "first"))
			p.Port = &first
			if rapid.Bool().Draw(t, "range") {
				last := rapid.Int32Range(first.IntVal, 91).Draw(t, "last")
				p.EndPort = &last
			}
		}
		ports = append(ports, p)
	}
	return ports
}
