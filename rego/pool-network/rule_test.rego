package avert.rules.pool_network_test

import data.avert.rules.pool_network

test_found if {
	found := pool_network.deny with input as {"pool": {"at": 1, "name": "bare", "targets": ["seccomp"]}}
	count(found) == 1
}

test_clean if {
	found := pool_network.deny with input as {"pool": {"at": 1, "name": "main", "targets": ["networkpolicy", "seccomp"]}}
	count(found) == 0
}
