package avert.rules.process_wildcard_test

import data.avert.rules.process_wildcard

parameters := {"process-wildcard": {"paths": ["/no-rule-names-this", "/no-rule/names/this/either"]}}

test_found if {
	found := process_wildcard.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/no-rule-names-this", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := process_wildcard.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/opt/else", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
