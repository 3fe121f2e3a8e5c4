# METADATA
# title: Cloud metadata service is reachable
# description: >-
#   Clouds answer requests to 169.254.169.254 with credentials of the node. A rule that allows connections there,
#   usually by a wide address range, hands these to the workload.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1552/005/
# custom:
#   id: network-metadata
#   severity: error
#   judges: unit
#   action: "except 169.254.0.0/16 from the range, or add a Block for 169.254.169.254/32"
#   controls: [MITRE/T1552.005, NSA-CISA/network-separation]
package avert.rules.network_metadata

deny contains {"msg": sprintf("%s allows connections to the metadata service of clouds, 169.254.169.254", [verdict.rule]), "at": verdict.at} if {
	verdict := input.unit.network.metadata
	verdict.action != "Block"
	verdict.rule != "network/default"
}
