package avert.rules.container_privileged_test

import data.avert.rules.container_privileged

test_found if {
	found := container_privileged.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "container": {"name": "app", "privileged": true}, "workload": {"kind": "Pod", "namespace": "shop", "name": "web"}}}
	count(found) == 1
}

test_clean if {
	found := container_privileged.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "container": {"name": "app", "privileged": false}}}
	count(found) == 0
}
