package avert.rules.syscalls_base_test

import data.avert.rules.syscalls_base

test_found if {
	found := syscalls_base.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "syscalls": {"base": 3, "runtimeDefault": false}}}
	count(found) == 1
}

test_clean if {
	found := syscalls_base.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "syscalls": {"base": 3, "runtimeDefault": true}}}
	count(found) == 0
}
