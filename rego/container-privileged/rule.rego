# METADATA
# title: Container is privileged
# description: >-
#   A privileged container has every capability and device, and its runtime applies neither AppArmor nor seccomp.
#   No profile holds anything of it.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: container-privileged
#   severity: error
#   judges: unit
#   action: "remove privileged: true, and allow the capability that is needed"
#   controls: [PSS/baseline/privileged, CIS/5.2.2, NSA-CISA/pod-security, MITRE/T1611]
package avert.rules.container_privileged

import data.avert.lib

deny contains {"msg": sprintf("%s is privileged", [lib.name(input.unit)]), "at": input.unit.at} if input.unit.container.privileged
