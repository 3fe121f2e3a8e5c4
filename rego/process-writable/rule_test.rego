package avert.rules.process_writable_test

import data.avert.rules.process_writable

test_found if {
	found := process_writable.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "droppers": [{"at": 3, "path": "/tmp/x", "exec": "process/tmp", "write": "file/default", "writeAt": 4}]}}
	count(found) == 1
}

test_clean if {
	found := process_writable.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "droppers": []}}
	count(found) == 0
}
