// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/policy"
)

// intent is something that a policy can say, in a policy that says it.
type intent struct {
	// name is "section/NAME". Directives of tests name it; see proof.
	name string
	// means says it in words.
	means string
	// rule is the rule or default that says it, as lowerings spell it.
	rule string
	// spec are the sections of the policy, as a flow mapping without its braces.
	spec string
	// audit is the policy's mode, escalation what the container's allowPrivilegeEscalation is.
	audit, escalation bool
}

// pathIntents are about the section `process` or `file`. block begins a rule that blocks, allow one that allows.
func pathIntents(section, block, allow string) []intent {
	say := func(name, means, rule, spec string) intent {
		return intent{name: section + "/" + name, means: means, rule: section + "/" + rule, spec: section + ": " + spec}
	}
	blocks := func(name, means, rest string) intent {
		return say(name, means, "x", fmt.Sprintf("{default: Allow, rules: [{name: x, %s, %s}]}", block, rest))
	}
	const path = "paths: [/opt/x]"
	out := []intent{
		say("default-block", "what no rule allows is blocked", "default", fmt.Sprintf("{default: Block, rules: [{name: x, %s, %s}]}", allow, path)),
		say("default-audit", "what no rule allows is reported", "default", "{default: Audit}"),
		say("allow", "a rule allows", "x", fmt.Sprintf("{default: Block, rules: [{name: x, %s, %s}]}", allow, path)),
		blocks("block", "a rule blocks", path),
		blocks("quiet", "a rule blocks and does not report", path+", quiet: true"),
		blocks("star", "`/opt/*`", `paths: ["/opt/*"]`),
		blocks("below", "`/opt/**`", `paths: ["/opt/**"]`),
		blocks("deep", "`/opt/**/x`", `paths: ["/opt/**/x"]`),
		blocks("class", "`/opt/[a-c]`, `/opt/[!a]`", `paths: ["/opt/[a-c]", "/opt/[!a]"]`),
		blocks("braces", "`/opt/{a,b}`", `paths: ["/opt/{a,b}"]`),
		blocks("names", "a name in any folder", "names: [x]"),
		blocks("anonymous", "memfd and deleted files", "anonymous: true"),
		blocks("from-exe", "a rule blocks a program's processes", path+", from: {exe: [/bin/a]}"),
		blocks("from-parent", "a rule blocks what a program started", path+", from: {parent: [/bin/a]}"),
		blocks("from-ancestor", "a rule blocks what descends from a program", path+", from: {ancestor: [/bin/a]}"),
		say("allow-from", "a rule allows a program's processes", "x", fmt.Sprintf("{default: Block, rules: [{name: a, %s, paths: [/bin/a]}, {name: x, %s, %s, from: {exe: [/bin/a]}}]}", allow, allow, path)),
	}
	escalating := blocks("from-escalation", "a rule blocks a program's processes, without no_new_privs", path+", from: {exe: [/bin/a]}")
	escalating.escalation = true
	mode := blocks("mode-audit", "a policy in mode Audit", path)
	mode.audit = true
	return append(out, escalating, mode)
}

// intents are what the table has a row for: every section, action, access and operation of the language.
func intents() []intent {
	out := pathIntents("process", "action: Block", "action: Allow")
	out = append(out,
		intent{name: "process/audit", means: "a rule reports", rule: "process/x", spec: "process: {default: Allow, rules: [{name: x, action: Audit, paths: [/opt/x]}]}"},
		intent{name: "process/script", means: "a blocked program is not started as the interpreter of a `#!` script either", rule: "process/x", spec: "process: {default: Allow, rules: [{name: x, action: Block, paths: [/opt/x]}]}"},
		intent{name: "process/loader", means: "a blocked program is not started through the dynamic loader either", rule: "process/x", spec: "process: {default: Allow, rules: [{name: x, action: Block, paths: [/opt/x]}]}"},
	)
	out = append(out, pathIntents("file", "action: Block, access: [read]", "action: Allow, access: [read, map]")...)
	for _, a := range policy.AccessNames {
		if a.Access != policy.AccessExec {
			out = append(out, intent{name: "file/" + a.Name, means: "a rule blocks " + a.Name + " alone", rule: "file/x",
				spec: "file: {default: Allow, rules: [{name: x, action: Block, access: [" + a.Name + "], paths: [\"/opt/**\"]}]}"})
		}
	}
	out = append(out,
		intent{name: "file/audit", means: "a rule reports", rule: "file/x", spec: "file: {default: Allow, rules: [{name: x, action: Audit, access: [read], paths: [/opt/x]}]}"},
		intent{name: "file/change", means: "a rule blocks write, create, delete, rename, link, chmod and chown together", rule: "file/x",
			spec: `file: {default: Allow, rules: [{name: x, action: Block, access: [write, create, delete, rename, link, chmod, chown], paths: ["/opt/**"]}]}`},
		intent{name: "file/directories", means: "folders are made, listed, renamed and removed as files are", rule: "file/x",
			spec: `file: {default: Allow, rules: [{name: x, action: Block, access: [read, write, create, delete, rename, link, chmod, chown], paths: ["/opt/**"]}]}`},
	)
	// A Block shows beside an Allow that it takes something from.
	network := func(name, means, rule string, beside ...string) {
		for i := range beside {
			rule = fmt.Sprintf("%s}, {name: beside-%d, action: Allow, %s", rule, i, beside[i])
		}
		out = append(out, intent{name: "network/" + name, means: means, rule: "network/x", spec: "network: {default: Block, rules: [{name: x, " + rule + "}]}"})
	}
	const peer, web = "peers: [{podSelector: {matchLabels: {app: b}}}]", "ports: [{port: 8080}]"
	out = append(out,
		intent{name: "network/default-block", means: "what no rule allows is blocked", rule: "network/default", spec: "network: {default: Block}"},
		intent{name: "network/mode-audit", means: "a policy in mode Audit", rule: "network/default", spec: "network: {default: Block}", audit: true},
	)
	network("pods", "a rule allows pods and ports", "action: Allow, "+peer+", "+web)
	network("any-peer", "a rule allows ports to everybody", "action: Allow, direction: Ingress, "+web)
	network("cidr", "a rule allows addresses, with exceptions", "action: Allow, direction: Egress, peers: [{cidr: 192.0.2.0/24, except: [192.0.2.128/25]}]")
	network("port-range", "a rule allows a range of ports", "action: Allow, direction: Egress, "+peer+", ports: [{protocol: UDP, port: 5000, endPort: 5099}]")
	network("dns", "a rule allows the cluster's DNS", "action: Allow, direction: Egress, peers: [{dns: cluster}]")
	network("fqdn", "a rule allows domain names", `action: Allow, direction: Egress, peers: [{fqdn: api.example.com}, {fqdn: "*.example.org"}], ports: [{port: 443}]`)
	network("http", "a rule allows HTTP requests", "action: Allow, direction: Ingress, "+peer+", ports: [{port: 8000}], http: [{method: GET, pathPrefix: /v1/}]")
	network("audit", "a rule reports", "action: Audit, direction: Egress, "+peer+", "+web)
	network("from", "a rule allows a program's processes", "action: Allow, direction: Egress, "+peer+", "+web+", from: {exe: [/bin/a]}")
	network("block-pods", "a rule blocks pods", "action: Block, direction: Egress, "+peer, "direction: Egress, peers: [{podSelector: {matchLabels: {tier: a}}}]")
	network("block-cidr", "a rule blocks addresses", "action: Block, direction: Egress, peers: [{cidr: 192.0.2.7/32}]", "direction: Egress, peers: [{cidr: 192.0.2.0/24}]")
	network("block-fqdn", "a rule blocks a domain name", "action: Block, direction: Egress, peers: [{fqdn: tracker.example.net}]", "direction: Egress, peers: [{fqdn: \"*.example.net\"}]")
	network("block-http", "a rule blocks HTTP requests", "action: Block, direction: Ingress, "+peer+", ports: [{port: 8000}], http: [{pathPrefix: /v1/admin/}]", "direction: Ingress, "+peer+", ports: [{port: 8000}]")
	network("families", "a rule blocks address families", "action: Block, families: [packet, netlink]")
	network("types", "a rule blocks types of sockets of a family", "action: Block, families: [unix], types: [stream, seqpacket]")
	network("families-from", "a rule blocks address families to a program's processes", "action: Block, families: [packet], from: {exe: [/bin/a]}")

	syscalls := func(name, means, spec string) {
		out = append(out, intent{name: "syscalls/" + name, means: means, rule: "syscalls/x", spec: "syscalls: " + spec})
	}
	out = append(out,
		intent{name: "syscalls/default-block", means: "what neither the base nor a rule allows is blocked", rule: "syscalls/default", spec: "syscalls: {default: Block}"},
		intent{name: "syscalls/mode-audit", means: "a policy in mode Audit", rule: "syscalls/x", spec: "syscalls: {default: Allow, rules: [{name: x, action: Block, names: [bpf]}]}", audit: true},
	)
	syscalls("allow", "a rule allows a call with arguments", "{default: Block, rules: [{name: x, action: Allow, names: [personality], args: [{index: 0, op: eq, value: 8}]}]}")
	syscalls("block", "a rule blocks a call, with an error", "{default: Allow, rules: [{name: x, action: Block, names: [ptrace], errno: ESRCH}]}")
	syscalls("arguments", "a rule blocks a call with arguments", "{default: Allow, rules: [{name: x, action: Block, names: [socket], args: [{index: 0, op: eq, value: 17}]}]}")
	syscalls("audit", "a rule reports a call", "{default: Allow, rules: [{name: x, action: Audit, names: [memfd_create]}]}")

	capabilities := func(name, means, rule, spec string) {
		out = append(out, intent{name: "capabilities/" + name, means: means, rule: "capabilities/" + rule, spec: "capabilities: " + spec})
	}
	capabilities("default-block", "what no rule allows is blocked", "default", "{default: Block}")
	capabilities("allow", "a rule allows", "x", "{default: Block, rules: [{name: x, action: Allow, names: [CHOWN]}]}")
	capabilities("block", "a rule blocks", "x", "{default: Allow, rules: [{name: x, action: Block, names: [NET_RAW]}]}")
	capabilities("quiet", "a rule blocks and does not report", "x", "{default: Allow, rules: [{name: x, action: Block, names: [NET_RAW], quiet: true}]}")
	capabilities("audit", "a rule reports", "x", "{default: Block, rules: [{name: x, action: Audit, names: [CHOWN]}]}")
	capabilities("allow-from", "a rule allows a program's processes", "x", "{default: Block, rules: [{name: x, action: Allow, names: [NET_RAW], from: {exe: [/bin/a]}}]}")
	capabilities("block-from", "a rule blocks a program's processes", "x", "{default: Allow, rules: [{name: x, action: Block, names: [NET_RAW], from: {exe: [/bin/a]}}]}")
	out = append(out, intent{name: "capabilities/mode-audit", means: "a policy in mode Audit", rule: "capabilities/default", spec: "capabilities: {default: Block}", audit: true})

	for _, o := range policy.SystemOperations {
		out = append(out, intent{name: "system/" + o.String(), means: "a rule blocks " + o.String(), rule: "system/x", spec: "system: {rules: [{name: x, action: Block, operations: [" + o.String() + "]}]}"})
	}
	return append(out,
		intent{name: "system/allow", means: "a rule allows", rule: "system/x", spec: "system: {rules: [{name: x, action: Allow, operations: [mount, ptrace]}]}"},
		intent{name: "system/audit", means: "a rule reports", rule: "system/x", spec: "system: {rules: [{name: x, action: Audit, operations: [userns]}]}"},
		intent{name: "system/implied", means: "blocked because the policy blocks programs or files", rule: "system/default", spec: "process: {default: Block}"},
		intent{name: "system/mode-audit", means: "a policy in mode Audit", rule: "system/x", spec: "system: {rules: [{name: x, action: Block, operations: [mount]}]}", audit: true},
	)
}

// beyond are things that no single rule says.
var beyond = []struct{ name, means string }{
	{"floor", "what runtimes deny by themselves stays denied, whatever a policy says; in mode Audit, AppArmor lets signals and tracing pass"},
	{"random", "random policies and operations with lineages of several execs: equal where the answer is exact, different only as it says elsewhere"},
	{"mutations", "defects planted in what a back-end emits are found"},
	{"container", "the checkout example in runc: it does its work, and attacks fail"},
	{"alerts", "denials become alerts with policy, rule and place"},
	{"evasions", "[ways around a policy](evasions.md), each of which succeeds without one"},
	{"swaps", "a new revision replaces the one before at once and as a whole, under load, and whenever its loader is killed"},
	{"hostile", "images that are cut, changed or made to harm are refused before anything reaches a kernel"},
}
