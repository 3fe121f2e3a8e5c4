# METADATA
# title: Capabilities are not dropped
# description: >-
#   A container keeps the capabilities that its runtime gives unless they are dropped. Most services need none.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: capabilities-default
#   severity: warning
#   judges: unit
#   action: "add capabilities: {default: Block}, and allow what is needed by name"
#   controls: [PSS/restricted/capabilities, CIS/5.2.8, CIS/5.2.10, NSA-CISA/pod-security]
package avert.rules.capabilities_default

import data.avert.lib

deny contains {"msg": sprintf("no enforced policy governs the capabilities of %s", [lib.name(input.unit)]), "at": input.unit.at} if {
	not input.unit.capabilities
	not drops_all
}

drops_all if "ALL" in input.unit.container.drop

deny contains {"msg": sprintf("the default of capabilities is %s", [verdict.action]), "at": verdict.at} if {
	verdict := input.unit.capabilities["default"]
	verdict.action != "Block"
}
