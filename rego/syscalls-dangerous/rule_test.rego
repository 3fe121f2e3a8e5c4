package avert.rules.syscalls_dangerous_test

import data.avert.rules.syscalls_dangerous

parameters := {"syscalls-dangerous": {"names": ["bpf", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "mount", "umount2", "pivot_root", "setns", "unshare", "open_by_handle_at", "perf_event_open", "userfaultfd", "process_vm_writev", "keyctl", "add_key", "request_key", "iopl", "ioperm", "reboot", "swapon", "swapoff", "io_uring_setup"]}}

test_found if {
	found := syscalls_dangerous.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "syscalls": {"named": [{"at": 3, "action": "Allow", "rule": "syscalls/x", "conditional": false, "name": "bpf"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := syscalls_dangerous.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "syscalls": {"named": [{"at": 3, "action": "Allow", "rule": "syscalls/x", "conditional": false, "name": "personality"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
