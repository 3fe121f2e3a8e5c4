# METADATA
# title: Container asks for no confinement
# description: >-
#   The manifest asks for no AppArmor profile, or for a type of SELinux that confines nothing.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: container-unconfined
#   severity: error
#   judges: unit
#   action: "remove the field; the profiles of avert are attached by its patches"
#   controls: [PSS/baseline/apparmor, PSS/baseline/selinux, CIS/5.7.3]
package avert.rules.container_unconfined

import data.avert.lib

deny contains {"msg": sprintf("%s asks for AppArmor profile unconfined", [lib.name(input.unit)]), "at": input.unit.at} if {
	input.unit.container.appArmorProfile == "unconfined"
}

deny contains {"msg": sprintf("%s asks for SELinux type %s, which confines nothing", [lib.name(input.unit), type]), "at": input.unit.at} if {
	type := input.unit.container.selinuxType
	type in {"spc_t", "unconfined_t", "container_runtime_t"}
}
