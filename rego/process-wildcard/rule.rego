# METADATA
# title: A wildcard lets everything be executed
# description: >-
#   A rule whose pattern matches every path turns the default of the section into Allow. What was dropped a moment
#   ago is executed too.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1059/
# custom:
#   id: process-wildcard
#   severity: error
#   judges: unit
#   action: "name the programs, or the folders of the image that hold them"
#   controls: [NSA-CISA/pod-security, MITRE/T1059]
#   parameters:
#     paths:
#       - /no-rule-names-this
#       - /no-rule/names/this/either
package avert.rules.process_wildcard

import data.avert.lib

deny contains {"msg": sprintf("%s lets everything be executed: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.process, "exec", "process-wildcard")
}
