package avert.rules.container_unconfined_test

import data.avert.rules.container_unconfined

test_found if {
	found := container_unconfined.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "container": {"name": "app", "appArmorProfile": "unconfined"}, "workload": {"kind": "Pod", "namespace": "shop", "name": "web"}}}
	count(found) == 1
}

test_clean if {
	found := container_unconfined.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "container": {"name": "app", "appArmorProfile": "", "selinuxType": "container_t"}}}
	count(found) == 0
}

test_selinux if {
	found := container_unconfined.deny with input as {"unit": {"at": 1, "workload": {"kind": "Pod", "namespace": "shop", "name": "web"}, "container": {"name": "app", "selinuxType": "spc_t"}}}
	count(found) == 1
}
