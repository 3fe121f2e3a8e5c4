# METADATA
# title: Operations on the kernel or on others are allowed
# description: >-
#   Loading modules or BPF programs, tracing processes of others and making user namespaces are refused by default
#   wherever a policy blocks anything. A rule that allows them reopens the usual ways out of a container.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1611/
# custom:
#   id: system-dangerous
#   severity: error
#   judges: unit
#   action: "remove the operation from the rule"
#   controls: [MITRE/T1611, NSA-CISA/pod-security]
#   parameters:
#     operations:
#       - userns
#       - bpf
#       - ptrace
#       - module
package avert.rules.system_dangerous

deny contains {"msg": sprintf("%s allows %s", [use.rule, use.name]), "at": use.at} if {
	some use in input.unit.system.usable
	use.action == "Allow"
	use.rule != ""
	not endswith(use.rule, "/default")
	use.name in data.avert.parameters["system-dangerous"].operations
}
