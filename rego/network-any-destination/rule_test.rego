package avert.rules.network_any_destination_test

import data.avert.rules.network_any_destination

test_found if {
	found := network_any_destination.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/out", "action": "Allow", "direction": "Egress", "families": [], "peers": []}]}}}
	count(found) == 1
}

test_clean if {
	found := network_any_destination.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/out", "action": "Allow", "direction": "Egress", "families": [], "peers": [{"at": 4, "kind": "dns"}]}]}}}
	count(found) == 0
}
