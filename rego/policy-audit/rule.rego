# METADATA
# title: Policy is in mode Audit past its date
# description: >-
#   A policy in mode Audit blocks nothing. The parameter `until` is the date by which the trial ends; without one
#   the rule finds nothing.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   id: policy-audit
#   severity: warning
#   judges: policy
#   action: "set mode: Enforce, or extend the trial by a waiver with a reason"
#   controls: [NSA-CISA/threat-detection]
#   parameters:
#     until: ""
package avert.rules.policy_audit

deny contains {"msg": sprintf("%s is still in mode Audit, which was to end on %s", [input.policy.id, until]), "at": input.policy.at} if {
	input.policy.mode == "Audit"
	until := data.avert.parameters["policy-audit"].until
	until != ""
	input.today > until
}
