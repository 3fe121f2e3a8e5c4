package avert.rules.file_token_test

import data.avert.rules.file_token

parameters := {"file-token": {"paths": ["/run/secrets/kubernetes.io/serviceaccount/token", "/var/run/secrets/kubernetes.io/serviceaccount/token"]}}

test_found if {
	found := file_token.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/run/secrets/kubernetes.io/serviceaccount/token", "access": "read"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := file_token.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/opt/else", "access": "read"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
