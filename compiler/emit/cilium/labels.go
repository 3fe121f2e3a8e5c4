// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/avert-dev/avert/compiler/emit/flows"
	"github.com/avert-dev/avert/compiler/policy"
)

const (
	namespaceName   = "k8s:io.kubernetes.pod.namespace"
	namespaceLabels = "k8s:io.cilium.k8s.namespace.labels."
)

// endpoints writes the selector of a peer that is pods. One that names neither
// its namespace nor a label of it is narrowed to that of the object; one that
// only negates such labels would also select what is no pod.
func endpoints(p flows.Peer, own string) api.EndpointSelector {
	pods := flows.Labels(p.PodLabels, func(key string) string { return key })
	if !p.OwnNamespace(own) {
		namespaces := flows.Labels(p.Namespaces, namespaceKey)
		if _, one := namespaces.MatchLabels[namespaceName]; !one {
			namespaces.MatchExpressions = append([]flows.Requirement{{Key: namespaceName, Operator: "Exists"}}, namespaces.MatchExpressions...)
		}
		for k, v := range namespaces.MatchLabels {
			if pods.MatchLabels == nil {
				pods.MatchLabels = map[string]string{}
			}
			pods.MatchLabels[k] = v
		}
		pods.MatchExpressions = append(namespaces.MatchExpressions, pods.MatchExpressions...)
	}
	return selector(pods)
}

func namespaceKey(key string) string {
	if key == flows.NamespaceName {
		return namespaceName
	}
	return namespaceLabels + key
}

func subject(s policy.Selector) api.EndpointSelector {
	return selector(flows.Labels(s, func(key string) string { return key }))
}

func selector(s flows.LabelSelector) api.EndpointSelector {
	out := &v1.LabelSelector{MatchLabels: s.MatchLabels}
	for _, r := range s.MatchExpressions {
		out.MatchExpressions = append(out.MatchExpressions, v1.LabelSelectorRequirement{Key: r.Key, Operator: v1.LabelSelectorOperator(r.Operator), Values: r.Values})
	}
	return api.EndpointSelector{LabelSelector: out}
}
