# METADATA
# title: A list of forbidden programs
# description: >-
#   A section with default Allow and Block rules forbids programs by path or name. A copy under another name
#   passes, and so does every program that nobody thought of. An allow-list has neither hole.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1036/
# custom:
#   id: process-deny-list
#   severity: warning
#   judges: policy
#   action: "set default: Block and allow what the image runs; default: Audit tells what that is"
#   controls: [NSA-CISA/pod-security, MITRE/T1036]
package avert.rules.process_deny_list

deny contains {"msg": sprintf("process of %s lists what is forbidden and allows everything else", [input.policy.id]), "at": input.policy.process.default.at} if {
	input.policy.mode == "Enforce"
	input.policy.process.default.action == "Allow"
	some rule in input.policy.process.rules
	rule.action == "Block"
}
