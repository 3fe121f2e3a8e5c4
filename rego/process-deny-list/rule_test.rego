package avert.rules.process_deny_list_test

import data.avert.rules.process_deny_list

test_found if {
	found := process_deny_list.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "process": {"default": {"at": 2, "action": "Allow"}, "rules": [{"at": 3, "id": "process/nc", "action": "Block"}]}}}
	count(found) == 1
}

test_clean if {
	found := process_deny_list.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "process": {"default": {"at": 2, "action": "Audit"}, "rules": [{"at": 3, "id": "process/nc", "action": "Block"}]}}}
	count(found) == 0
}
