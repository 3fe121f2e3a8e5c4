# METADATA
# title: What an interpreter may do, every script may
# description: >-
#   An Allow with `from: {exe: ...}` is meant for one program. When that program is a shell or another
#   interpreter, it holds for every script that the interpreter is given.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1059/
#   - ref: https://attack.mitre.org/techniques/T1218/
# custom:
#   id: process-borrowed
#   severity: warning
#   judges: unit
#   action: "give the script a program of its own, or add parent or ancestor to from, or use action: Audit"
#   controls: [MITRE/T1059, MITRE/T1218]
#   parameters:
#     paths:
#       - /bin/sh
#       - /usr/bin/sh
#       - /bin/bash
#       - /usr/bin/bash
#       - /usr/bin/dash
#       - /bin/busybox
#       - /usr/bin/python3
#       - /usr/local/bin/python3
#       - /usr/bin/perl
#       - /usr/bin/ruby
#       - /usr/bin/php
#       - /usr/bin/node
#       - /usr/local/bin/node
#       - /usr/bin/java
#       - /usr/bin/awk
#       - /usr/bin/env
package avert.rules.process_borrowed

deny contains {"msg": sprintf("%s is for one program, but that is an interpreter, %s, so that every script may do it", [rule.id, program]), "at": rule.at} if {
	some rule in input.unit.lineage.rules
	rule.action == "Allow"
	not rule.narrowed
	program := min({p | some p in rule.programs; p in data.avert.parameters["process-borrowed"].paths})
}
