package avert.rules.policy_accept_reason_test

import data.avert.rules.policy_accept_reason

test_found if {
	found := policy_accept_reason.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [{"at": 3, "rule": "process/*", "target": "", "reason": "todo: think about it"}]}}
	count(found) == 1
}

test_clean if {
	found := policy_accept_reason.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [{"at": 3, "rule": "process/*", "target": "", "reason": "Cilium pools enforce it"}]}}
	count(found) == 0
}

test_short if {
	found := policy_accept_reason.deny with input as {"policy": {"accepts": [{"at": 3, "rule": "process/app", "reason": "known"}]}}
	count(found) == 1
}
