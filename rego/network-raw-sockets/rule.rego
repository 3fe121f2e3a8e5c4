# METADATA
# title: Raw or packet sockets are allowed
# description: >-
#   Raw and packet sockets forge and read the traffic of others: ARP and DNS spoofing on the network of the pod.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1557/
#   - ref: https://attack.mitre.org/techniques/T1040/
# custom:
#   id: network-raw-sockets
#   severity: error
#   judges: policy
#   action: "remove the family or type; what sends ICMP can use datagram sockets (net.ipv4.ping_group_range)"
#   controls: [PSS/baseline/capabilities, MITRE/T1557, MITRE/T1040]
package avert.rules.network_raw_sockets

import data.avert.lib

deny contains {"msg": sprintf("%s allows %s sockets", [rule.id, kind]), "at": rule.at} if {
	some rule in input.policy.network.rules
	lib.allows(rule)
	some kind in array.concat(rule.families, rule.types)
	kind in {"raw", "packet"}
}
