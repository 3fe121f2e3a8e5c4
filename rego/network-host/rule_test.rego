package avert.rules.network_host_test

import data.avert.rules.network_host

test_found if {
	found := network_host.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "workload": {"at": 2, "kind": "Pod", "namespace": "shop", "name": "web", "hostNetwork": true}}}
	count(found) == 1
}

test_clean if {
	found := network_host.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "workload": {"at": 2, "kind": "Pod", "namespace": "shop", "name": "web", "hostNetwork": false}}}
	count(found) == 0
}
