// SPDX-License-Identifier: Apache-2.0

// Package operation is how operations are written down: on the command line, in
// tests of policies, in documentation, and as witnesses of differences.
//
//	exec /app/run.sh /usr/bin/dash by /usr/bin/node
//	read /etc/passwd; map anonymous
//	rename directory /a to /b existing; exchange /a with /b; link /a to /b
//	rename /a (the use of that name alone)
//	egress TCP 443 address 192.0.2.1 name api.example.com GET /v1
//	ingress UDP 53 pod app=web,tier=a in shop team=x
//	egress UDP 53 dns; egress family packet type raw
//	call socket 2 3 0 on arm64
//	use NET_RAW
//	system mount
//
// `by` gives the lineage, oldest image first. A word that has spaces or would be
// taken for something else stands in quotes, as Go spells strings. What the
// grammar leaves out is what is usual: the type that belongs to the protocol, the
// family of the address. It decides nothing.
package operation
