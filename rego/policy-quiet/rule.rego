# METADATA
# title: A Block without a report
# description: >-
#   A quiet Block refuses without an alert, so that nobody learns of an attempt.
# related_resources:
#   - ref: https://attack.mitre.org/mitigations/M1047/
# custom:
#   id: policy-quiet
#   severity: note
#   judges: policy
#   action: "remove quiet: true, or add a Block that reports the cases that matter"
#   optional: true
#   controls: [NSA-CISA/threat-detection]
package avert.rules.policy_quiet

deny contains {"msg": sprintf("%s blocks without a report", [rule.id]), "at": rule.at} if {
	some section in ["process", "file", "network", "syscalls", "capabilities", "system"]
	some rule in input.policy[section].rules
	rule.quiet
}
