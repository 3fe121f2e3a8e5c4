package avert.rules.process_borrowed_test

import data.avert.rules.process_borrowed

parameters := {"process-borrowed": {"paths": ["/bin/sh", "/usr/bin/sh"]}}

test_found if {
	found := process_borrowed.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "lineage": {"rules": [{"at": 3, "id": "process/tool", "action": "Allow", "narrowed": false, "programs": ["/bin/sh"]}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := process_borrowed.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "lineage": {"rules": [{"at": 3, "id": "process/tool", "action": "Allow", "narrowed": true, "programs": ["/bin/sh"]}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
