# METADATA
# title: A download tool may be executed
# description: >-
#   curl, wget and their like fetch the next stage of an attack and carry data out.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1105/
# custom:
#   id: process-downloads
#   severity: warning
#   judges: unit
#   action: "remove the rule; for probes use httpGet, tcpSocket or grpc"
#   controls: [MITRE/T1105, NSA-CISA/pod-security]
#   parameters:
#     paths:
#       - /usr/bin/curl
#       - /bin/curl
#       - /usr/bin/wget
#       - /bin/wget
#       - /usr/bin/nc
#       - /bin/nc
#       - /usr/bin/ncat
#       - /usr/bin/socat
#       - /usr/bin/ssh
#       - /usr/bin/scp
#       - /usr/bin/rsync
#       - /usr/bin/ftp
package avert.rules.process_downloads

import data.avert.lib

deny contains {"msg": sprintf("%s lets a download tool be executed: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.process, "exec", "process-downloads")
}
