package avert.rules.policy_selector_test

import data.avert.rules.policy_selector

test_found if {
	found := policy_selector.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [], "accepts": [], "namespace": "shop", "containers": [], "process": {"default": {"action": "Block"}}}}
	count(found) == 1
}

test_clean if {
	found := policy_selector.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "namespace": "shop", "containers": [], "process": {"default": {"action": "Block"}}}}
	count(found) == 0
}
