# METADATA
# title: Ports of remote shells are open
# description: >-
#   A port of SSH, telnet, RDP or an unencrypted container runtime lets in whoever has or finds credentials, past
#   every control of the API server.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1021/
# custom:
#   id: network-remote-shell
#   severity: warning
#   judges: policy
#   action: "use kubectl exec, which is authenticated and audited, or narrow the peers and say why in a suppression"
#   controls: [MITRE/T1021, CIS/5.3.2]
#   parameters:
#     ports:
#       - "22"
#       - "23"
#       - "2375"
#       - "3389"
package avert.rules.network_remote_shell

import data.avert.lib

deny contains {"msg": sprintf("%s opens port %d, that of a remote shell", [rule.id, number]), "at": port.at} if {
	some rule in input.policy.network.rules
	lib.opens(rule, "Ingress")
	some port in rule.ports
	port.port > 0
	some text in data.avert.parameters["network-remote-shell"].ports
	number := to_number(text)
	port.port <= number
	number <= port.endPort
}
