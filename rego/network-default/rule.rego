# METADATA
# title: Network is not closed by default
# description: >-
#   A pod that may connect to anything, or be connected to by anything, gives whoever takes it over the rest of
#   the cluster. Every container is governed by an enforced policy whose network default is Block in both
#   directions.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies
# custom:
#   id: network-default
#   severity: warning
#   judges: unit
#   action: "begin with network: {default: Block}, and allow what the workload needs"
#   controls: [CIS/5.3.2, NSA-CISA/network-separation, MITRE/T1046]
package avert.rules.network_default

import data.avert.lib

deny contains {"msg": sprintf("no enforced policy governs the network of %s", [lib.name(input.unit)]), "at": input.unit.at} if {
	not input.unit.network
}

deny contains {"msg": sprintf("the network default for %s is %s", [direction, verdict.action]), "at": verdict.at} if {
	some direction in ["ingress", "egress"]
	verdict := input.unit.network[direction]
	verdict.action != "Block"
}
