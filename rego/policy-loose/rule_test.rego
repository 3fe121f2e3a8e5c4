package avert.rules.policy_loose_test

import data.avert.rules.policy_loose

test_found if {
	found := policy_loose.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "process": {"rules": [{"at": 3, "id": "process/x", "action": "Block", "held": [{"pool": "main", "target": "apparmor", "status": "looser", "reason": "of this"}]}]}}}
	count(found) == 1
}

test_clean if {
	found := policy_loose.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "process": {"rules": [{"at": 3, "id": "process/x", "action": "Block", "held": [{"pool": "main", "target": "apparmor", "status": "looser", "reason": "of this"}, {"pool": "main", "target": "lsm", "status": "exact", "reason": ""}]}]}}}
	count(found) == 0
}
