# METADATA
# title: A file may be written and executed
# description: >-
#   Whoever can write a file that may be executed brings programs of his own: the allow-list of programs holds
#   nothing.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1105/
# custom:
#   id: process-writable
#   severity: error
#   judges: unit
#   action: "allow programs where nothing can be written, or block writing and creating there"
#   controls: [MITRE/T1105, NSA-CISA/pod-security]
package avert.rules.process_writable

deny contains finding if {
	some file in input.unit.droppers
	finding := {
		"msg": sprintf("%s may be executed by %s and written by %s", [file.path, file.exec, file.write]),
		"at": file.at,
		"see": [{"at": file.writeAt, "msg": "this lets it be written"}],
	}
}
