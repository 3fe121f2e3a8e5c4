package avert.rules.process_shells_test

import data.avert.rules.process_shells

parameters := {"process-shells": {"paths": ["/bin/sh", "/usr/bin/sh"]}}

test_found if {
	found := process_shells.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/bin/sh", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := process_shells.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/opt/else", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
