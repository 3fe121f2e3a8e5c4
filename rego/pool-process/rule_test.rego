package avert.rules.pool_process_test

import data.avert.rules.pool_process

test_found if {
	found := pool_process.deny with input as {"pool": {"at": 1, "name": "bare", "targets": ["seccomp"]}}
	count(found) == 1
}

test_clean if {
	found := pool_process.deny with input as {"pool": {"at": 1, "name": "main", "targets": ["apparmor", "seccomp"]}}
	count(found) == 0
}
