package avert.rules.policy_audit_test

import data.avert.rules.policy_audit

parameters := {"policy-audit": {"until": "2026-11-30"}}

test_found if {
	found := policy_audit.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Audit", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": []}, "today": "2026-12-01"} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := policy_audit.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Audit", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": []}, "today": "2026-11-01"} with data.avert.parameters as parameters
	count(found) == 0
}
