package avert.rules.network_remote_shell_test

import data.avert.rules.network_remote_shell

parameters := {"network-remote-shell": {"ports": ["22", "23", "2375", "3389"]}}

test_found if {
	found := network_remote_shell.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/ssh", "action": "Allow", "direction": "Ingress", "families": [], "ports": [{"at": 4, "port": 20, "endPort": 22}]}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := network_remote_shell.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/ssh", "action": "Allow", "direction": "Ingress", "families": [], "ports": [{"at": 4, "port": 8080, "endPort": 8080}]}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
