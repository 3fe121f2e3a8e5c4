package avert.rules.process_package_managers_test

import data.avert.rules.process_package_managers

parameters := {"process-package-managers": {"paths": ["/usr/bin/apt", "/usr/bin/apt-get"]}}

test_found if {
	found := process_package_managers.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/usr/bin/apt", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := process_package_managers.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "process": {"default": {"at": 2, "action": "Block", "rule": "process/default", "conditional": false}, "paths": [{"at": 7, "action": "Allow", "rule": "process/tools", "conditional": false, "path": "/opt/else", "access": "exec"}]}}} with data.avert.parameters as parameters
	count(found) == 0
}
