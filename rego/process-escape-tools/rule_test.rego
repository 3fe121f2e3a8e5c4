package avert.rules.process_escape_tools_test

import data.avert.rules.process_escape_tools

parameters := {"process-escape-tools": {"paths": ["/usr/bin/nsenter", "/usr/bin/unshare"]}}

test_found if {
	found := process_escape_tools.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/usr/bin/nsenter", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := process_escape_tools.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/opt/else", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
