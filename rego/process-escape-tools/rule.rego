# METADATA
# title: A tool for namespaces and mounts may be executed
# description: >-
#   nsenter, unshare, mount and their like are what escapes from containers are made of. Services have no use for
#   them.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1611/
# custom:
#   id: process-escape-tools
#   severity: error
#   judges: unit
#   action: "remove the rule"
#   controls: [MITRE/T1611, NSA-CISA/pod-security]
#   parameters:
#     paths:
#       - /usr/bin/nsenter
#       - /usr/bin/unshare
#       - /bin/mount
#       - /usr/bin/mount
#       - /usr/bin/umount
#       - /usr/sbin/chroot
#       - /usr/sbin/insmod
#       - /usr/sbin/modprobe
#       - /sbin/modprobe
#       - /usr/sbin/capsh
#       - /usr/bin/runc
#       - /usr/bin/ctr
#       - /usr/bin/crictl
#       - /usr/bin/docker
#       - /usr/bin/kubectl
#       - /usr/local/bin/kubectl
package avert.rules.process_escape_tools

import data.avert.lib

deny contains {"msg": sprintf("%s lets a tool for namespaces, mounts or modules be executed: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.process, "exec", "process-escape-tools")
}
