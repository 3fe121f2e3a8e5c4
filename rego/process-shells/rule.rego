# METADATA
# title: A shell may be executed
# description: >-
#   Most attacks continue with a shell. A workload that needs none is much harder to use; one that needs it for a
#   probe can allow it for that alone with `from`, or audit it.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1059/004/
# custom:
#   id: process-shells
#   severity: warning
#   judges: unit
#   action: "remove the rule, narrow it with from, or use action: Audit"
#   controls: [MITRE/T1059.004, NSA-CISA/pod-security]
#   parameters:
#     paths:
#       - /bin/sh
#       - /usr/bin/sh
#       - /bin/bash
#       - /usr/bin/bash
#       - /bin/dash
#       - /usr/bin/dash
#       - /bin/ash
#       - /bin/zsh
#       - /usr/bin/zsh
#       - /bin/busybox
#       - /usr/bin/busybox
package avert.rules.process_shells

import data.avert.lib

deny contains {"msg": sprintf("%s lets a shell be executed: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.process, "exec", "process-shells")
}
