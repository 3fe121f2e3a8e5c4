# METADATA
# title: Nothing on the pool holds process and file rules
# description: >-
#   Without AppArmor or the eBPF LSM among its targets a pool enforces neither which programs run nor which files
#   are opened.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/linux-kernel-security-constraints/
# custom:
#   id: pool-process
#   severity: warning
#   judges: pool
#   action: "declare apparmor in lsm (or bpf, with the target lsm) when the nodes have it"
#   controls: [CIS/5.7.3, NSA-CISA/pod-security]
package avert.rules.pool_process

deny contains {"msg": sprintf("no target of pool %s holds process and file rules", [input.pool.name]), "at": input.pool.at} if {
	count({"apparmor", "lsm"} & {t | some t in input.pool.targets}) == 0
}
