package avert.rules.process_default_test

import data.avert.rules.process_default

test_found if {
	found := process_default.deny with input as {"unit": {"at": 1, "policies": ["shop/web"]}, "pools": [{"name": "main", "takes": ["apparmor"]}]}
	count(found) == 1
}

test_clean if {
	found := process_default.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}}}, "pools": [{"name": "main", "takes": ["apparmor"]}]}
	count(found) == 0
}
