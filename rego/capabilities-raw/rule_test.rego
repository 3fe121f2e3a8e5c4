package avert.rules.capabilities_raw_test

import data.avert.rules.capabilities_raw

test_found if {
	found := capabilities_raw.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "capabilities": {"usable": [{"at": 3, "action": "Allow", "rule": "capabilities/x", "conditional": false, "name": "NET_RAW"}]}}}
	count(found) == 1
}

test_clean if {
	found := capabilities_raw.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "capabilities": {"usable": [{"at": 3, "action": "Allow", "rule": "capabilities/default", "conditional": false, "name": "NET_RAW"}]}}}
	count(found) == 0
}
