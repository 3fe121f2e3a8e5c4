# METADATA
# title: One policy for every pod of a namespace
# description: >-
#   Programs and files are those of an image. A policy about them that selects every pod fits none of them well,
#   and breaks the next workload that is added.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
# custom:
#   id: policy-selector
#   severity: note
#   judges: policy
#   action: "select the pods of one workload by labels; keep what holds for all, such as network defaults, in a policy of its own"
#   controls: [NSA-CISA/pod-security]
package avert.rules.policy_selector

deny contains {"msg": sprintf("%s governs programs or files of every pod in namespace %s", [input.policy.id, input.policy.namespace]), "at": input.policy.at} if {
	count(input.policy.selector) == 0
	count(input.policy.containers) == 0
	some section in ["process", "file"]
	input.policy[section]["default"].action == "Block"
}
