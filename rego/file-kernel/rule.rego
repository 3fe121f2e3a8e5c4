# METADATA
# title: Settings of the kernel may be written
# description: >-
#   Writing to /proc/sys, /sys or /proc/sysrq-trigger changes the node for everybody on it, up to running a
#   program outside of the container by core_pattern or uevent_helper.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1611/
# custom:
#   id: file-kernel
#   severity: error
#   judges: unit
#   action: "allow reading alone, or the one file that is meant"
#   controls: [PSS/baseline/sysctls, PSS/baseline/proc-mount, MITRE/T1611]
#   parameters:
#     paths:
#       - /proc/sys/kernel/core_pattern
#       - /proc/sys/kernel/modprobe
#       - /proc/sys/vm/panic_on_oom
#       - /proc/sysrq-trigger
#       - /sys/kernel/uevent_helper
#       - /sys/fs/cgroup/release_agent
#       - /sys/kernel/security/apparmor/.load
package avert.rules.file_kernel

import data.avert.lib

deny contains {"msg": sprintf("%s lets settings of the kernel be written: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.file, "write", "file-kernel")
}
