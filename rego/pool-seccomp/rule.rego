# METADATA
# title: The pool uses no seccomp
# description: >-
#   Every kernel of the last decade has seccomp. Without the target not even the profile of the runtime is asked
#   for.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: pool-seccomp
#   severity: warning
#   judges: pool
#   action: "add seccomp to the targets"
#   controls: [PSS/baseline/seccomp, CIS/5.7.2, NSA-CISA/pod-security]
package avert.rules.pool_seccomp

deny contains {"msg": sprintf("pool %s does not use seccomp, which it could", [input.pool.name]), "at": input.pool.at} if {
	"seccomp" in input.pool.takes
	not "seccomp" in input.pool.targets
}
