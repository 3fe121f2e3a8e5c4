# METADATA
# title: A Block that no back-end holds exactly
# description: >-
#   The gap is accepted, but what is blocked on paper is not blocked in fact: every back-end holds the rule
#   looser, or not at all.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/linux-kernel-security-constraints/
# custom:
#   id: policy-loose
#   severity: note
#   judges: policy
#   action: "choose a target that holds it, or word the rule so that one can"
#   optional: true
#   controls: [NSA-CISA/pod-security]
package avert.rules.policy_loose

deny contains {"msg": sprintf("%s is held exactly by nothing on pool %s: %s %s, %s", [rule.id, held.pool, held.target, held.status, held.reason]), "at": rule.at} if {
	some section in ["process", "file", "network", "syscalls", "capabilities", "system"]
	some rule in input.policy[section].rules
	rule.action == "Block"
	some held in rule.held
	not held_exactly(rule, held.pool)
}

held_exactly(rule, pool) if {
	some held in rule.held
	held.pool == pool
	held.status == "exact"
}
