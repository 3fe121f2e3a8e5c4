# METADATA
# title: A gap is accepted without a real reason
# description: >-
#   The reason of an accept entry is what the next reader, and an auditor, has to go by.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/security-checklist/
# custom:
#   id: policy-accept-reason
#   severity: warning
#   judges: policy
#   action: "say who knows of the gap, what holds in its place, and until when"
#   controls: [NSA-CISA/threat-detection]
package avert.rules.policy_accept_reason

deny contains {"msg": sprintf("the reason to accept %s says nothing: %q", [entry.rule, entry.reason]), "at": entry.at} if {
	some entry in input.policy.accepts
	says_nothing(entry.reason)
}

says_nothing(reason) if count(reason) < 10

says_nothing(reason) if regex.match(`(?i)^\s*(todo|fixme|tbd|later|temporary)\b`, reason)
