package avert.rules.network_dns_test

import data.avert.rules.network_dns

test_found if {
	found := network_dns.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "network": {"egress": {"at": 2, "action": "Block", "rule": "network/default", "conditional": false}, "dns": false, "destinations": [{"at": 3, "rule": "network/db", "kinds": ["pods"]}]}}}
	count(found) == 1
}

test_clean if {
	found := network_dns.deny with input as {"unit": {"at": 1, "policies": ["shop/web"], "network": {"egress": {"at": 2, "action": "Block", "rule": "network/default", "conditional": false}, "dns": true, "destinations": [{"at": 3, "rule": "network/db", "kinds": ["pods"]}]}}}
	count(found) == 0
}
