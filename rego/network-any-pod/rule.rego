# METADATA
# title: Pods of every namespace are peers
# description: >-
#   A peer with an empty namespaceSelector and no podSelector is every pod of the cluster, those of other teams
#   included.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   id: network-any-pod
#   severity: warning
#   judges: policy
#   action: "select pods, or namespaces, by labels"
#   controls: [NSA-CISA/network-separation, CIS/5.3.2, MITRE/TA0008]
package avert.rules.network_any_pod

import data.avert.lib

deny contains {"msg": sprintf("%s has every pod of every namespace as a peer", [rule.id]), "at": peer.at} if {
	some rule in input.policy.network.rules
	lib.allows(rule)
	some peer in rule.peers
	peer.kind == "pods"
	peer.allPods
	peer.allNamespaces
}
