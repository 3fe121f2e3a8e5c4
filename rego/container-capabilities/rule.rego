# METADATA
# title: Manifest adds all capabilities
# description: >-
#   A manifest that adds ALL asks for every right of root. The patches of avert narrow it, but a workload that is
#   applied without them has it.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: container-capabilities
#   severity: error
#   judges: unit
#   action: "add capabilities by name"
#   controls: [PSS/baseline/capabilities, CIS/5.2.9, NSA-CISA/pod-security]
package avert.rules.container_capabilities

import data.avert.lib

deny contains {"msg": sprintf("the manifest of %s adds all capabilities", [lib.name(input.unit)]), "at": input.unit.at} if {
	"ALL" in input.unit.container.add
}
