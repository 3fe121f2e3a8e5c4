package avert.rules.network_raw_sockets_test

import data.avert.rules.network_raw_sockets

test_found if {
	found := network_raw_sockets.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/raw", "action": "Allow", "families": ["packet"], "types": []}]}}}
	count(found) == 1
}

test_clean if {
	found := network_raw_sockets.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/raw", "action": "Block", "families": ["packet"], "types": ["raw"]}]}}}
	count(found) == 0
}

test_raw_of_inet if {
	found := network_raw_sockets.deny with input as {"policy": {"network": {"rules": [{"at": 3, "id": "network/raw", "action": "Allow", "families": ["inet"], "types": ["raw"]}]}}}
	count(found) == 1
}
