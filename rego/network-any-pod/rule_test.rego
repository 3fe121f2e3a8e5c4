package avert.rules.network_any_pod_test

import data.avert.rules.network_any_pod

test_found if {
	found := network_any_pod.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/in", "action": "Allow", "direction": "Ingress", "peers": [{"at": 4, "kind": "pods", "allPods": true, "allNamespaces": true}]}]}}}
	count(found) == 1
}

test_clean if {
	found := network_any_pod.deny with input as {"policy": {"at": 1, "id": "shop/web", "mode": "Enforce", "selector": [{"key": "app", "operator": "In", "values": ["web"]}], "accepts": [], "network": {"rules": [{"at": 3, "id": "network/in", "action": "Allow", "direction": "Ingress", "peers": [{"at": 4, "kind": "pods", "allPods": true, "allNamespaces": false}]}]}}}
	count(found) == 0
}
