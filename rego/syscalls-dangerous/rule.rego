# METADATA
# title: Dangerous system calls are allowed
# description: >-
#   These calls load code into the kernel, trace other processes, make namespaces and mounts, or have been ways
#   out of containers time and again. The profile of the runtime refuses them.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1611/
# custom:
#   id: syscalls-dangerous
#   severity: error
#   judges: unit
#   action: "remove the name from the rule, or narrow it by args"
#   controls: [PSS/restricted/seccomp, CIS/5.7.2, MITRE/T1611]
#   parameters:
#     names:
#       - bpf
#       - init_module
#       - finit_module
#       - delete_module
#       - kexec_load
#       - kexec_file_load
#       - mount
#       - umount2
#       - pivot_root
#       - setns
#       - unshare
#       - open_by_handle_at
#       - perf_event_open
#       - userfaultfd
#       - process_vm_writev
#       - keyctl
#       - add_key
#       - request_key
#       - iopl
#       - ioperm
#       - reboot
#       - swapon
#       - swapoff
#       - io_uring_setup
package avert.rules.syscalls_dangerous

deny contains {"msg": sprintf("%s allows %s", [call.rule, call.name]), "at": call.at} if {
	some call in input.unit.syscalls.named
	call.action == "Allow"
	not call.conditional
	call.name in data.avert.parameters["syscalls-dangerous"].names
}
