# METADATA
# title: Pod uses the network of its node
# description: >-
#   With hostNetwork a pod has the addresses of its node, is past network policies of most plugins, and reaches
#   what listens on loopback of the node.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: network-host
#   severity: error
#   judges: unit
#   action: "remove hostNetwork: true"
#   controls: [PSS/baseline/host-namespaces, CIS/5.2.5, NSA-CISA/pod-security, MITRE/T1611]
package avert.rules.network_host

deny contains {"msg": sprintf("%s %s/%s uses the network of its node, which network rules do not govern", [w.kind, w.namespace, w.name]), "at": w.at} if {
	w := input.unit.workload
	w.hostNetwork
}
