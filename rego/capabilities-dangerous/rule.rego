# METADATA
# title: Capabilities that are as good as root on the node
# description: >-
#   Each of these capabilities is a known way out of a container, or to all data of the node.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: capabilities-dangerous
#   severity: error
#   judges: unit
#   action: "remove the capability; what needs SYS_ADMIN usually needs one narrower right"
#   controls: [PSS/baseline/capabilities, CIS/5.2.9, MITRE/T1611]
#   parameters:
#     names:
#       - SYS_ADMIN
#       - SYS_MODULE
#       - SYS_PTRACE
#       - SYS_RAWIO
#       - SYS_BOOT
#       - DAC_READ_SEARCH
#       - BPF
#       - PERFMON
#       - NET_ADMIN
#       - MAC_ADMIN
#       - MAC_OVERRIDE
#       - SYSLOG
#       - CHECKPOINT_RESTORE
package avert.rules.capabilities_dangerous

deny contains {"msg": sprintf("%s allows %s", [use.rule, use.name]), "at": use.at} if {
	some use in input.unit.capabilities.usable
	use.action == "Allow"
	not endswith(use.rule, "/default")
	use.name in data.avert.parameters["capabilities-dangerous"].names
}
