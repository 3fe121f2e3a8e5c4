package avert.rules.policy_accept_test

import data.avert.rules.policy_accept

test_found if {
	found := policy_accept.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [{"at": 3, "rule": "process/*", "target": "", "reason": "because of this"}]}}
	count(found) == 1
}

test_clean if {
	found := policy_accept.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [{"at": 3, "rule": "process/app", "target": "", "reason": "because of this"}]}}
	count(found) == 0
}
