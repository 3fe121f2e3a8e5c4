# METADATA
# title: Nothing on the pool holds network rules
# description: >-
#   NetworkPolicy objects have no effect without a network plugin that enforces them.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   id: pool-network
#   severity: warning
#   judges: pool
#   action: "use a plugin that enforces NetworkPolicy, and declare it as cni"
#   controls: [CIS/5.3.1, NSA-CISA/network-separation]
package avert.rules.pool_network

deny contains {"msg": sprintf("no target of pool %s holds network rules", [input.pool.name]), "at": input.pool.at} if {
	count({"networkpolicy", "cilium"} & {t | some t in input.pool.targets}) == 0
}
