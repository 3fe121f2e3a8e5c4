# METADATA
# title: Seccomp below RuntimeDefault
# description: >-
#   With base: None the filter is only what the policy lists. The profile of the runtime, which refuses some sixty
#   calls that containers do not need, is no longer in force.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: syscalls-base
#   severity: warning
#   judges: unit
#   action: "use base: RuntimeDefault"
#   controls: [PSS/baseline/seccomp, CIS/5.7.2, NSA-CISA/pod-security]
package avert.rules.syscalls_base

import data.avert.lib

deny contains {"msg": sprintf("%s has a seccomp filter below RuntimeDefault", [lib.name(input.unit)]), "at": input.unit.syscalls.base} if {
	not input.unit.syscalls.runtimeDefault
}
