# METADATA
# title: Connections to any destination
# description: >-
#   A rule that allows egress and names no peers allows connections to every pod and every address.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   id: network-any-destination
#   severity: warning
#   judges: policy
#   action: "name the peers, or the address ranges with those of the cluster and of the cloud excepted"
#   controls: [NSA-CISA/network-separation, MITRE/T1048]
package avert.rules.network_any_destination

import data.avert.lib

deny contains {"msg": sprintf("%s allows connections to any destination", [rule.id]), "at": rule.at} if {
	some rule in input.policy.network.rules
	lib.opens(rule, "Egress")
	count(rule.peers) == 0
}
