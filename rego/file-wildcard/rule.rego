# METADATA
# title: A wildcard lets everything be written
# description: >-
#   A rule whose pattern matches every path lets programs, libraries and configuration be replaced.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1565/
# custom:
#   id: file-wildcard
#   severity: error
#   judges: unit
#   action: "name the folders that the workload writes to"
#   controls: [NSA-CISA/pod-security, MITRE/T1565]
#   parameters:
#     paths:
#       - /no-rule-names-this
#       - /no-rule/names/this/either
package avert.rules.file_wildcard

import data.avert.lib

deny contains {"msg": sprintf("%s lets everything be written: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.file, "write", "file-wildcard")
}
