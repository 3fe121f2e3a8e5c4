package avert.rules.pool_seccomp_test

import data.avert.rules.pool_seccomp

test_found if {
	found := pool_seccomp.deny with input as {"pool": {"at": 1, "name": "bare", "takes": ["seccomp"], "targets": ["lsm"]}}
	count(found) == 1
}

test_clean if {
	found := pool_seccomp.deny with input as {"pool": {"at": 1, "name": "main", "takes": ["seccomp"], "targets": ["lsm", "seccomp"]}}
	count(found) == 0
}
