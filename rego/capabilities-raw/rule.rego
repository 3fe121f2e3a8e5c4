# METADATA
# title: NET_RAW is allowed
# description: >-
#   NET_RAW opens raw and packet sockets, with which a pod forges and reads the traffic of others. It is in the
#   default set of runtimes for ping alone.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1557/
# custom:
#   id: capabilities-raw
#   severity: warning
#   judges: unit
#   action: "remove NET_RAW; ping works without it where net.ipv4.ping_group_range allows"
#   controls: [PSS/restricted/capabilities, CIS/5.2.8, MITRE/T1557]
package avert.rules.capabilities_raw

deny contains {"msg": sprintf("%s allows NET_RAW", [use.rule]), "at": use.at} if {
	some use in input.unit.capabilities.usable
	use.name == "NET_RAW"
	use.action == "Allow"
	not endswith(use.rule, "/default")
}
