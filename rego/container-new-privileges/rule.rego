# METADATA
# title: Programs may gain privileges
# description: >-
#   Unless allowPrivilegeEscalation is false, programs with set-user-ID or file capabilities give a process more
#   rights than it had.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: container-new-privileges
#   severity: warning
#   judges: unit
#   action: "set allowPrivilegeEscalation: false in the container's securityContext"
#   controls: [PSS/restricted/privilege-escalation, CIS/5.2.6, NSA-CISA/pod-security, MITRE/T1548.001]
package avert.rules.container_new_privileges

import data.avert.lib

deny contains {"msg": sprintf("%s lets programs gain privileges", [lib.name(input.unit)]), "at": input.unit.at} if {
	input.unit.container
	not input.unit.container.noNewPrivileges
}
