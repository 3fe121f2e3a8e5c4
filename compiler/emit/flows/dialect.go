// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"regexp"

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

// sees says whether selectors of pods can use a label.
func (d Dialect) sees(key string) bool {
	return d.Name != "cilium" || shown.MatchString(key) || !hidden.MatchString(key)
}

// visible drops the requirements on labels that the plugin does not see.
func (d Dialect) visible(s policy.Selector) (seen policy.Selector, all bool) {
	for _, r := range s.Requirements {
		if d.sees(r.Key) {
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
