package avert.rules.file_host_test

import data.avert.rules.file_host

parameters := {"file-host": {"paths": ["/etc/kubernetes/admin.conf", "/etc/kubernetes/pki/ca.key"]}}

test_found if {
	found := file_host.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/etc/kubernetes/admin.conf", "access": "read"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := file_host.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/opt/else", "access": "read"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
