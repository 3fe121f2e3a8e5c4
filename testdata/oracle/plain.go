// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"maps"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// NetworkPolicies judges the NetworkPolicy documents of a tree as the
// specification of networking.k8s.io/v1 has it: selectors by Kubernetes' own
// apimachinery, all else by cyclonus' matcher.
//
// cyclonus is not asked for selectors because it gets two cases wrong
// (IsLabelsMatchLabelSelector): NotIn does not match where the label is absent,
// and a label that must be empty matches where it is absent.
//
// Where cyclonus and Cilium are known to differ:
//
//   - an egress block under policyTypes [Ingress] is ignored by the
//     specification and by cyclonus; Cilium's ParseNetworkPolicy enforces it, and
//     isolates the pod for egress;
//   - an ipBlock selects pods by their addresses in cyclonus; the specification
//     leaves that open, and Cilium never does so (unless told by
//     policy-cidr-match-mode). Give the cluster's pods addresses apart from
//     those that policies name;
//   - a peer on the node (Host) may always reach a pod in Cilium on Kubernetes;
//     the specification has no such peer, so it is an error here;
//   - an ingress rule without ports also allows ICMP in Cilium; the
//     specification says nothing of ICMP, so it is an error here.
type NetworkPolicies struct {
	policy *matcher.Policy
	pods   map[string]*matcher.TrafficPeer
}

// NewNetworkPolicies judges by the plain policies of docs; the others are not
// looked at.
func NewNetworkPolicies(c Cluster, docs Documents) (*NetworkPolicies, error) {
	pods, namespaces, err := c.index()
	if err != nil {
		return nil, err
	}
	n := &NetworkPolicies{pods: make(map[string]*matcher.TrafficPeer, len(pods))}
	for key, pod := range pods {
		n.pods[key] = &matcher.TrafficPeer{
			IP: pod.IP.String(),
			Internal: &matcher.InternalPeer{
				Namespace:       pod.Namespace,
				PodLabels:       maps.Clone(pod.Labels),
				NamespaceLabels: maps.Clone(namespaces[pod.Namespace]),
			},
		}
		if pod.Labels == nil {
			n.pods[key].Internal.PodLabels = map[string]string{}
		}
	}
	decided := make([]*networkingv1.NetworkPolicy, len(docs.Plain))
	for i, p := range docs.Plain {
		decided[i] = p.DeepCopy()
		if err := n.decideSelectors(&decided[i].Spec, fmt.Sprintf("oracle/%d", i)); err != nil {
			return nil, fmt.Errorf("NetworkPolicy %s/%s: %w", p.Namespace, p.Name, err)
		}
	}
	n.policy = matcher.BuildNetworkPolicies(false, decided)
	return n, nil
}

// decideSelectors replaces every selector that says anything by one on a label
// of its own, which exactly the pods or namespaces that it selects carry.
func (n *NetworkPolicies) decideSelectors(spec *networkingv1.NetworkPolicySpec, prefix string) error {
	count := 0
	decide := func(s *metav1.LabelSelector, labelsOf func(*matcher.InternalPeer) map[string]string) error {
		if s == nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
			return nil
		}
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			return err
		}
		mark := fmt.Sprintf("%s-%d", prefix, count)
		count++
		for _, peer := range n.pods {
			if l := labelsOf(peer.Internal); selector.Matches(labels.Set(l)) {
				l[mark] = "selected"
			}
		}
		*s = metav1.LabelSelector{MatchLabels: map[string]string{mark: "selected"}}
		return nil
	}
	ofPod := func(p *matcher.InternalPeer) map[string]string { return p.PodLabels }
	ofNamespace := func(p *matcher.InternalPeer) map[string]string { return p.NamespaceLabels }

	if err := decide(&spec.PodSelector, ofPod); err != nil {
		return err
	}
	var peers []networkingv1.NetworkPolicyPeer
	for _, r := range spec.Ingress {
		peers = append(peers, r.From...)
	}
	for _, r := range spec.Egress {
		peers = append(peers, r.To...)
	}
	for _, p := range peers {
		if err := decide(p.PodSelector, ofPod); err != nil {
			return err
		}
		if err := decide(p.NamespaceSelector, ofNamespace); err != nil {
			return err
		}
	}
	return nil
}

// Connect judges a TCP, UDP or SCTP flow.
func (n *NetworkPolicies) Connect(f Flow) (Verdict, error) {
	from, err := n.peer(f.From)
	if err != nil {
		return Verdict{}, err
	}
	to, err := n.peer(f.To)
	if err != nil {
		return Verdict{}, err
	}
	switch corev1.Protocol(f.Protocol) {
	case corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP:
	default:
		return Verdict{}, fmt.Errorf("%s: NetworkPolicy says nothing of this protocol", f)
	}
	if f.Port == 0 {
		return Verdict{}, fmt.Errorf("%s: no port", f)
	}
	r := n.policy.IsTrafficAllowed(&matcher.Traffic{
		Source:       from,
		Destination:  to,
		ResolvedPort: int(f.Port),
		Protocol:     corev1.Protocol(f.Protocol),
	})
	return Verdict{
		Egress:  Hop{Allowed: r.Egress.IsAllowed()},
		Ingress: Hop{Allowed: r.Ingress.IsAllowed()},
	}, nil
}

func (n *NetworkPolicies) peer(p Peer) (*matcher.TrafficPeer, error) {
	switch {
	case p.entity != "":
		return nil, fmt.Errorf("%s is no peer of a NetworkPolicy", p)
	case p.pod == "":
		return &matcher.TrafficPeer{IP: p.addr.String()}, nil
	}
	peer, ok := n.pods[p.pod]
	if !ok {
		return nil, fmt.Errorf("no pod %s", p)
	}
	return peer, nil
}
