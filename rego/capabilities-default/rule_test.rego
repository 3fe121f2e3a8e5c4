package avert.rules.capabilities_default_test

import data.avert.rules.capabilities_default

test_found if {
	found := capabilities_default.deny with input as {"unit": {"at": 1, "policies": ["shop/web"]}}
	count(found) == 1
}

test_clean if {
	found := capabilities_default.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "capabilities": {"default": {"at": 2, "action": "Block", "rule": "capabilities/default", "conditional": false}}}}
	count(found) == 0
}

test_default_of_audit if {
	found := capabilities_default.deny with input as {"unit": {"at": 1, "capabilities": {"default": {"at": 2, "action": "Audit"}}}}
	count(found) == 1
}

test_dropped_by_the_manifest if {
	found := capabilities_default.deny with input as {"unit": {"at": 1, "container": {"name": "app", "drop": ["ALL"]}}}
	count(found) == 0
}
