package avert.rules.file_wildcard_test

import data.avert.rules.file_wildcard

parameters := {"file-wildcard": {"paths": ["/no-rule-names-this", "/no-rule/names/this/either"]}}

test_found if {
	found := file_wildcard.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/no-rule-names-this", "access": "write"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := file_wildcard.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/opt/else", "access": "write"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
