package avert.rules.network_metadata_test

import data.avert.rules.network_metadata

test_found if {
	found := network_metadata.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "network": {"metadata": {"at": 3, "action": "Allow", "rule": "network/out", "conditional": false}}}}
	count(found) == 1
}

test_clean if {
	found := network_metadata.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "network": {"metadata": {"at": 2, "action": "Block", "rule": "network/default", "conditional": false}}}}
	count(found) == 0
}
