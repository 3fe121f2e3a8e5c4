# METADATA
# title: Every address of the Internet is a peer
# description: >-
#   A range of all addresses without exceptions reaches private networks, nodes and metadata services as well.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   id: network-world
#   severity: warning
#   judges: policy
#   action: "except private ranges: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]}"
#   controls: [NSA-CISA/network-separation, MITRE/T1048]
package avert.rules.network_world

import data.avert.lib

deny contains {"msg": sprintf("%s has all addresses as a peer: %s without exceptions", [rule.id, peer.cidr]), "at": peer.at} if {
	some rule in input.policy.network.rules
	lib.allows(rule)
	some peer in rule.peers
	peer.kind == "cidr"
	peer.bits == 0
	count(peer.except) == 0
}
