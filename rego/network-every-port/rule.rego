# METADATA
# title: Every port is open to a peer
# description: >-
#   A rule that names peers and no ports allows every port and protocol between them, also those of administration
#   and debugging.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   id: network-every-port
#   severity: warning
#   judges: policy
#   action: "name the ports"
#   controls: [NSA-CISA/network-separation, MITRE/T1046]
package avert.rules.network_every_port

import data.avert.lib

deny contains {"msg": sprintf("%s allows every port", [rule.id]), "at": rule.at} if {
	some rule in input.policy.network.rules
	lib.opens(rule, rule.direction)
	count(rule.ports) == 0
	count(rule.http) == 0
	some peer in rule.peers
	peer.kind != "dns"
}
