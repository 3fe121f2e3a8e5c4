# METADATA
# title: A debugger or compiler may be executed
# description: >-
#   Debuggers read the memory of other processes, and compilers make programs that no scan of the image has seen.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1027/004/
#   - ref: https://attack.mitre.org/techniques/T1055/008/
# custom:
#   id: process-debuggers
#   severity: warning
#   judges: unit
#   action: "remove the rule; debug with an ephemeral container that has a policy of its own"
#   controls: [MITRE/T1027.004, MITRE/T1055.008]
#   parameters:
#     paths:
#       - /usr/bin/gdb
#       - /usr/bin/strace
#       - /usr/bin/ltrace
#       - /usr/bin/gcc
#       - /usr/bin/cc
#       - /usr/bin/clang
#       - /usr/bin/make
#       - /usr/bin/ld
#       - /usr/bin/as
#       - /usr/local/go/bin/go
#       - /usr/bin/tcpdump
package avert.rules.process_debuggers

import data.avert.lib

deny contains {"msg": sprintf("%s lets a debugger or compiler be executed: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.process, "exec", "process-debuggers")
}
