# METADATA
# title: Connections to pods without DNS
# description: >-
#   Egress is blocked by default and connections to pods are allowed, but queries to the DNS of the cluster are
#   not: the workload reaches none of its peers by the name of a service, and fails at its first connection. Names
#   of other hosts (fqdn) are checked by AV0312.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   id: network-dns
#   severity: warning
#   judges: unit
#   action: "allow DNS: {name: dns, action: Allow, direction: Egress, peers: [{dns: cluster}]}"
#   controls: [NSA-CISA/network-separation]
package avert.rules.network_dns

deny contains {"msg": sprintf("%s allows connections to pods, and nothing allows to look up their names", [to.rule]), "at": to.at} if {
	input.unit.network.egress.action == "Block"
	not input.unit.network.dns
	some to in input.unit.network.destinations
	"pods" in to.kinds
}
