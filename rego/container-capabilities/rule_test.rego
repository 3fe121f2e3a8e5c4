package avert.rules.container_capabilities_test

import data.avert.rules.container_capabilities

test_found if {
	found := container_capabilities.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "container": {"name": "app", "add": ["ALL"]}, "workload": {"kind": "Pod", "namespace": "shop", "name": "web"}}}
	count(found) == 1
}

test_clean if {
	found := container_capabilities.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "container": {"name": "app", "add": ["CHOWN"]}}}
	count(found) == 0
}
