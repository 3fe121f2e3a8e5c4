# METADATA
# title: Programs are not governed
# description: >-
#   Nothing says which programs a container may execute, although the pool has AppArmor or the eBPF LSM, which
#   could hold that.
# related_resources:
#   - ref: https://kubernetes.io/docs/tutorials/security/apparmor/
# custom:
#   id: process-default
#   severity: warning
#   judges: unit
#   action: "add process: {default: Block} with the programs that the image needs, or begin with default: Audit to learn them"
#   controls: [NSA-CISA/pod-security, MITRE/T1059, MITRE/T1609]
package avert.rules.process_default

import data.avert.lib

deny contains {"msg": sprintf("no enforced policy says which programs %s may execute, which pool %s could hold", [lib.name(input.unit), pool.name]), "at": input.unit.at} if {
	not input.unit.process
	some pool in input.pools
	some target in pool.takes
	target in {"apparmor", "lsm"}
}
