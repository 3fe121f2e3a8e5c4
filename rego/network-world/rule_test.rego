package avert.rules.network_world_test

import data.avert.rules.network_world

test_found if {
	found := network_world.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/out", "action": "Allow", "direction": "Egress", "peers": [{"at": 4, "kind": "cidr", "cidr": "0.0.0.0/0", "bits": 0, "except": []}]}]}}}
	count(found) == 1
}

test_clean if {
	found := network_world.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/out", "action": "Allow", "direction": "Egress", "peers": [{"at": 4, "kind": "cidr", "cidr": "0.0.0.0/0", "bits": 0, "except": ["10.0.0.0/8"]}]}]}}}
	count(found) == 0
}
