# METADATA
# title: Files that start programs may be written
# description: >-
#   Accounts, the preload list of the dynamic loader, cron tables, authorized keys and start-up files of shells
#   turn one write into a program that runs later, often as another user.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1053/003/
#   - ref: https://attack.mitre.org/techniques/T1098/004/
#   - ref: https://attack.mitre.org/techniques/T1574/006/
# custom:
#   id: file-persistence
#   severity: warning
#   judges: unit
#   action: "name the files that the workload writes to"
#   controls: [MITRE/T1053.003, MITRE/T1098.004, MITRE/T1574.006]
#   parameters:
#     paths:
#       - /etc/passwd
#       - /etc/shadow
#       - /etc/sudoers
#       - /etc/ld.so.preload
#       - /etc/crontab
#       - /etc/cron.d/job
#       - /var/spool/cron/crontabs/root
#       - /root/.ssh/authorized_keys
#       - /root/.bashrc
#       - /etc/profile
package avert.rules.file_persistence

import data.avert.lib

deny contains {"msg": sprintf("%s lets a file be written that starts programs: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.file, "write", "file-persistence")
}
