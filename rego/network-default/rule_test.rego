package avert.rules.network_default_test

import data.avert.rules.network_default

test_found if {
	found := network_default.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "network": {"ingress": {"at": 2, "action": "Block", "rule": "network/default", "conditional": false}, "egress": {"at": 2, "action": "Allow", "rule": "network/default", "conditional": false}}}}
	count(found) == 1
}

test_clean if {
	found := network_default.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "network": {"ingress": {"at": 2, "action": "Block", "rule": "network/default", "conditional": false}, "egress": {"at": 2, "action": "Block", "rule": "network/default", "conditional": false}}}}
	count(found) == 0
}

test_not_governed if {
	found := network_default.deny with input as {"unit": {"at": 1, "policies": ["shop/web"]}}
	count(found) == 1
}
