# METADATA
# title: Service account token may be read
# description: >-
#   The token of the service account speaks to the API server in the name of the pod. A workload that does not
#   call the API has no use for it.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1528/
#   - ref: https://attack.mitre.org/techniques/T1552/007/
# custom:
#   id: file-token
#   severity: warning
#   judges: unit
#   action: "remove the path and set automountServiceAccountToken: false, or narrow the rule with from"
#   controls: [CIS/5.1.6, NSA-CISA/authentication, MITRE/T1528, MITRE/T1552.007]
#   parameters:
#     paths:
#       - /run/secrets/kubernetes.io/serviceaccount/token
#       - /var/run/secrets/kubernetes.io/serviceaccount/token
package avert.rules.file_token

import data.avert.lib

deny contains {"msg": sprintf("%s lets the token of the service account be read: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.file, "read", "file-token")
}
