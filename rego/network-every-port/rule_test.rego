package avert.rules.network_every_port_test

import data.avert.rules.network_every_port

test_found if {
	found := network_every_port.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/db", "action": "Allow", "direction": "Egress", "families": [], "ports": [], "http": [], "peers": [{"at": 4, "kind": "pods"}]}]}}}
	count(found) == 1
}

test_clean if {
	found := network_every_port.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/db", "action": "Allow", "direction": "Egress", "families": [], "ports": [], "http": [], "peers": [{"at": 4, "kind": "dns"}]}]}}}
	count(found) == 0
}

test_families_of_inet if {
	found := network_every_port.deny with input as {"policy": {"network": {"rules": [{"at": 3, "id": "network/db", "action": "Allow", "direction": "Egress", "families": ["inet6"], "ports": [], "http": [], "peers": [{"at": 4, "kind": "cidr"}]}]}}}
	count(found) == 1
}

test_another_family if {
	found := network_every_port.deny with input as {"policy": {"network": {"rules": [{"at": 3, "id": "network/link", "action": "Allow", "direction": "", "families": ["netlink"], "ports": [], "http": [], "peers": [{"at": 4, "kind": "cidr"}]}]}}}
	count(found) == 0
}
