# METADATA
# title: A whole section of gaps is accepted
# description: >-
#   An accept entry with a star covers the gaps of today and all those of tomorrow.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/security-checklist/
# custom:
#   id: policy-accept
#   severity: warning
#   judges: policy
#   action: "name the rules, and the target where it is one"
#   optional: true
#   controls: [NSA-CISA/pod-security]
package avert.rules.policy_accept

deny contains {"msg": sprintf("accept covers all of %s", [entry.rule]), "at": entry.at} if {
	some entry in input.policy.accepts
	endswith(entry.rule, "/*")
}
