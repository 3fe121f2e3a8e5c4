package avert.rules.system_dangerous_test

import data.avert.rules.system_dangerous

parameters := {"system-dangerous": {"operations": ["userns", "bpf", "ptrace", "module"]}}

test_found if {
	found := system_dangerous.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "system": {"usable": [{"at": 3, "action": "Allow", "rule": "system/x", "conditional": false, "name": "module"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := system_dangerous.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "system": {"usable": [{"at": 3, "action": "Allow", "rule": "system/x", "conditional": false, "name": "mount"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
