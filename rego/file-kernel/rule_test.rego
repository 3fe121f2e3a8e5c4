package avert.rules.file_kernel_test

import data.avert.rules.file_kernel

parameters := {"file-kernel": {"paths": ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe"]}}

test_found if {
	found := file_kernel.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/proc/sys/kernel/core_pattern", "access": "write"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := file_kernel.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/opt/else", "access": "write"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
