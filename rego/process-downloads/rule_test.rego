package avert.rules.process_downloads_test

import data.avert.rules.process_downloads

parameters := {"process-downloads": {"paths": ["/usr/bin/curl", "/bin/curl"]}}

test_found if {
	found := process_downloads.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/usr/bin/curl", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := process_downloads.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/opt/else", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
