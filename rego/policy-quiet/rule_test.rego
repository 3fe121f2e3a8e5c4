package avert.rules.policy_quiet_test

import data.avert.rules.policy_quiet

test_found if {
	found := policy_quiet.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "process": {"rules": [{"at": 3, "id": "process/x", "quiet": true}]}}}
	count(found) == 1
}

test_clean if {
	found := policy_quiet.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "process": {"rules": [{"at": 3, "id": "process/x", "quiet": false}]}}}
	count(found) == 0
}
