package avert.rules.capabilities_dangerous_test

import data.avert.rules.capabilities_dangerous

parameters := {"capabilities-dangerous": {"names": ["SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "DAC_READ_SEARCH", "BPF", "PERFMON", "NET_ADMIN", "MAC_ADMIN", "MAC_OVERRIDE", "SYSLOG", "CHECKPOINT_RESTORE"]}}

test_found if {
	found := capabilities_dangerous.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "capabilities": {"usable": [{"at": 3, "action": "Allow", "rule": "capabilities/x", "conditional": false, "name": "SYS_ADMIN"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := capabilities_dangerous.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "capabilities": {"usable": [{"at": 3, "action": "Allow", "rule": "capabilities/x", "conditional": false, "name": "NET_BIND_SERVICE"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
