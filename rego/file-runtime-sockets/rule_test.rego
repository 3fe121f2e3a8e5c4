package avert.rules.file_runtime_sockets_test

import data.avert.rules.file_runtime_sockets

parameters := {"file-runtime-sockets": {"paths": ["/run/docker.sock", "/var/run/docker.sock"]}}

test_found if {
	found := file_runtime_sockets.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/run/docker.sock", "access": "write"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := file_runtime_sockets.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "file": {"default": {"at": 2, "action": "Block", "rule": "file/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "file/tools", "conditional": false, "path": "/opt/else", "access": "write"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
