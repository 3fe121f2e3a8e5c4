package avert.rules.container_new_privileges_test

import data.avert.rules.container_new_privileges

test_found if {
	found := container_new_privileges.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "container": {"name": "app", "noNewPrivileges": false}, "workload": {"kind": "Pod", "namespace": "shop", "name": "web"}}}
	count(found) == 1
}

test_clean if {
	found := container_new_privileges.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "container": {"name": "app", "noNewPrivileges": true}}}
	count(found) == 0
}
