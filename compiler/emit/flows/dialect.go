// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"regexp"
	"strings"

	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// Dialect is the plugin that rules are lowered for.
type Dialect struct{ platform.CNI }

// hidden are the labels of pods that are no part of an identity in Cilium by
// default, so that none of its selectors sees them; shown are exceptions
// (labelsfilter, defaultLabelPrefixCfg). Labels that Cilium gives by itself are
// not of pods.
var (
	hidden = regexp.MustCompile(`^(io\.kubernetes|kubernetes\.io|.*beta\.kubernetes\.io|k8s\.io|pod-template-generation|pod-template-hash|controller-revision-hash|controller-uid|annotation|etcd_node|topology\.kubernetes\.io|statefulset\.kubernetes\.io/pod-name|apps\.kubernetes\.io/pod-index|batch\.kubernetes\.io/job-completion-index|batch\.kubernetes\.io/controller-uid|io\.cilium\.k8s)`)
	shown  = regexp.MustCompile(`^app\.kubernetes\.io`)
)

// seesPod says whether selectors can use a label of pods.
func (d Dialect) seesPod(key string) bool {
	return d.Name != "cilium" || shown.MatchString(key) || !hidden.MatchString(key)
}

// seesNamespace says whether selectors can use a label of namespaces. To Cilium
// it is a label of the pods with a longer key, which may become too long.
func (d Dialect) seesNamespace(key string) bool {
	const longer = len("k8s:io.cilium.k8s.namespace.labels.")
	prefix, _, prefixed := strings.Cut(key, "/")
	switch {
	case d.Name != "cilium":
		return true
	case prefixed:
		return longer+len(prefix) <= 253
	}
	return longer-len("k8s:")+len(key) <= 63
}

// visible drops the requirements on labels that the plugin does not see.
func visible(s policy.Selector, sees func(string) bool) (seen policy.Selector, all bool) {
	for _, r := range s.Requirements {
		if sees(r.Key) {
			seen.Requirements = append(seen.Requirements, r)
		}
	}
	return seen, len(seen.Requirements) == len(s.Requirements)
}

// DNSPeer is the cluster's DNS service at its ports.
func (d Dialect) DNSPeer() (Peer, Ports) {
	var labels policy.Selector
	for k, v := range d.DNSLabels {
		labels = labels.And(policy.Selector{Requirements: []policy.Requirement{{Key: k, Operator: policy.In, Values: []string{v}}}})
	}
	return Peer{Kind: Pods, Namespaces: namespace(d.DNSNamespace), PodLabels: labels}, Ports{{"TCP", 53, 53}, {"UDP", 53, 53}}
}
