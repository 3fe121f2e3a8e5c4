// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/google/go-cmp/cmp"
)

// TestDeciding has a subtest for every sentence of the language about how a
// verdict comes about.
func TestDeciding(t *testing.T) {
	etc := on("etc", block, "/etc/**")
	check(t, "without a policy nothing is governed",
		decision{"exec", nil, run(at("/bin/sh")), "Allow"},
		decision{"file", nil, read(at("/etc/x")), "Allow"},
		decision{"rename", nil, rename("/a", "/b"), "Allow"},
		decision{"network", nil, egress(80, policy.Endpoint{}), "Allow"},
		decision{"syscall", nil, call("ptrace"), "Allow"},
		decision{"capability", nil, capability("CHOWN"), "Allow"},
		decision{"system", nil, sys(policy.Mount), "Allow"},
	)
	check(t, "a section that no governing policy has is not governed",
		decision{"file beside process", alone(process(block)), read(at("/x")), "Allow"},
		decision{"process beside file", alone(file(block)), run(at("/x")), "Allow"},
		decision{"network beside file", alone(file(block)), egress(80, policy.Endpoint{}), "Allow"},
		decision{"syscalls beside file", alone(file(block)), call("ptrace"), "Allow"},
		decision{"capabilities beside file", alone(file(block)), capability("CHOWN"), "Allow"},
		decision{"one of two policies has it", both(enforced("a", process(allow)), enforced("b", file(block))), read(at("/x")), "Block b file/default"},
		decision{"a lost path", alone(process(block)), read(lost), "Allow"},
	)
	check(t, "an operation that belongs to several sections must pass each",
		decision{"neither blocks a map", alone(file(allow), process(allow)), use(policy.AccessMap, at("/x")), "Allow a file/default"},
		decision{"file blocks", alone(file(block), process(allow)), use(policy.AccessMap, at("/x")), "Block a file/default"},
		decision{"process blocks", alone(file(allow), process(allow, on("x", block, "/x"))), use(policy.AccessMap, at("/x")), "Block a process/x"},
		decision{"both block", alone(file(block), process(allow, on("x", block, "/x"))), use(policy.AccessMap, at("/x")), "Block a file/default"},
		decision{"only process reports", alone(file(allow, on("q", block, "/x", quiet)), process(allow, on("x", block, "/x"))), use(policy.AccessMap, at("/x")), "Block a process/x"},
		decision{"neither reports", alone(file(allow, on("q", block, "/x", quiet)), process(allow, on("x", block, "/x", quiet))), use(policy.AccessMap, at("/x")), "Block a file/q silently"},
	)
	sh := from(policy.From{Exe: list("/sh")})
	check(t, "a rule matches when subject, object and access match",
		decision{"all", alone(file(allow, on("r", block, "/x", sh, access(policy.AccessRead)))), by(read(at("/x")), "/sh"), "Block a file/r"},
		decision{"another subject", alone(file(allow, on("r", block, "/x", sh, access(policy.AccessRead)))), by(read(at("/x")), "/bash"), "Allow a file/default"},
		decision{"another object", alone(file(allow, on("r", block, "/x", sh, access(policy.AccessRead)))), by(read(at("/y")), "/sh"), "Allow a file/default"},
		decision{"another access", alone(file(allow, on("r", block, "/x", sh, access(policy.AccessRead)))), by(use(policy.AccessWrite, at("/x")), "/sh"), "Allow a file/default"},
		decision{"another direction", alone(network(allow, policy.NetworkRule{Rule: policy.Rule{Name: "r", Action: block}, Direction: policy.Ingress})), egress(80, policy.Endpoint{}), "Allow a network/default"},
		decision{"the direction", alone(network(allow, policy.NetworkRule{Rule: policy.Rule{Name: "r", Action: block}, Direction: policy.Ingress})), ingress(80, policy.Endpoint{}), "Block a network/r"},
	)
	check(t, "the subject counts in every section",
		decision{"syscalls", alone(syscalls(allow, policy.SyscallRule{Rule: policy.Rule{Name: "r", Action: block, From: &policy.From{Exe: list("/sh")}}, Names: list("ptrace"), Errno: 1})), call("ptrace"), "Allow a syscalls/default"},
		decision{"capabilities", alone(capabilities(allow, policy.CapabilityRule{Rule: policy.Rule{Name: "r", Action: block, From: &policy.From{Exe: list("/sh")}}, Names: list("CHOWN")})), by(capability("CHOWN"), "/sh"), "Block a capabilities/r"},
		decision{"system", alone(system(policy.SystemRule{Rule: policy.Rule{Name: "r", Action: block, From: &policy.From{Exe: list("/sh")}}, Operations: []policy.SystemOperation{policy.BPF}})), sys(policy.BPF), "Allow"},
		decision{"network", alone(network(allow, policy.NetworkRule{Rule: policy.Rule{Name: "r", Action: block, From: &policy.From{Exe: list("/sh")}}})), by(egress(80, policy.Endpoint{}), "/sh"), "Block a network/r"},
	)
	check(t, "items of a list are ORed",
		decision{"first path", alone(file(allow, on("r", block, "/x /y"))), read(at("/x")), "Block a file/r"},
		decision{"second path", alone(file(allow, on("r", block, "/x /y"))), read(at("/y")), "Block a file/r"},
		decision{"second name", alone(file(allow, on("r", block, "/x", named("n m")))), read(at("/q/m")), "Block a file/r"},
		decision{"second access", alone(file(allow, on("r", block, "/x", access(policy.AccessRead|policy.AccessMap)))), use(policy.AccessMap, at("/x")), "Block a file/r"},
	)
	check(t, "any matching Block wins",
		decision{"over an Allow before it", alone(file(allow, on("yes", allow, "/etc/x"), etc)), read(at("/etc/x")), "Block a file/etc"},
		decision{"over an Allow after it", alone(file(allow, etc, on("yes", allow, "/etc/x"))), read(at("/etc/x")), "Block a file/etc"},
		decision{"over an Audit", alone(file(allow, on("see", audit, "/etc/x"), etc)), read(at("/etc/x")), "Block a file/etc"},
		decision{"over another policy", both(enforced("a", file(allow, on("yes", allow, "/**"))), enforced("b", file(allow, etc))), read(at("/etc/x")), "Block b file/etc"},
	)
	check(t, "else any matching Allow or Audit allows",
		decision{"Allow", alone(file(block, on("yes", allow, "/x"))), read(at("/x")), "Allow a file/yes"},
		decision{"Audit", alone(file(block, on("see", audit, "/x"))), read(at("/x")), "Audit a file/see"},
		decision{"against another policy's default", both(enforced("a", file(block)), enforced("b", file(allow, on("yes", allow, "/x")))), read(at("/x")), "Allow b file/yes"},
	)
	check(t, "else the strictest default",
		decision{"Block over Audit", both(enforced("a", file(audit)), enforced("b", file(block))), read(at("/x")), "Block b file/default"},
		decision{"Audit over Allow", both(enforced("a", file(audit)), enforced("b", file(allow))), read(at("/x")), "Audit a file/default"},
		decision{"Allow alone", alone(file(allow)), read(at("/x")), "Allow a file/default"},
		decision{"the first that states it", both(enforced("a", file(block)), enforced("b", file(block))), read(at("/x")), "Block a file/default"},
		decision{"of each direction", both(enforced("a", func(p *policy.Policy) { p.Network = &policy.NetworkSection{Ingress: block, Egress: allow} }), enforced("b", network(audit))), egress(80, policy.Endpoint{}), "Audit b network/default"},
	)
	check(t, "Block reports, Audit allows and reports, Allow is silent",
		decision{"Block", alone(file(allow, etc)), read(at("/etc/x")), "Block a file/etc"},
		decision{"quiet Block", alone(file(allow, on("q", block, "/etc/**", quiet))), read(at("/etc/x")), "Block a file/q silently"},
		decision{"Audit beside an Allow", alone(file(allow, on("yes", allow, "/x"), on("see", audit, "/x"))), read(at("/x")), "Audit a file/see"},
		decision{"default Block", alone(file(block)), read(at("/x")), "Block a file/default"},
		decision{"default Audit", alone(file(audit)), read(at("/x")), "Audit a file/default"},
	)
	check(t, "the reported rule is the first in file and document order",
		decision{"of one policy", alone(file(allow, on("one", block, "/etc/x"), etc)), read(at("/etc/x")), "Block a file/one"},
		decision{"of two policies", both(enforced("z", file(allow, on("one", block, "/etc/x"))), enforced("a", file(allow, etc))), read(at("/etc/x")), "Block z file/one"},
		decision{"of those that report", alone(file(allow, on("q", block, "/etc/x", quiet), etc)), read(at("/etc/x")), "Block a file/etc"},
		decision{"of quiet ones alone", alone(file(allow, on("q", block, "/etc/x", quiet), on("q2", block, "/etc/x", quiet))), read(at("/etc/x")), "Block a file/q silently"},
		decision{"of Audits", alone(file(allow, on("one", audit, "/x"), on("two", audit, "/x"))), read(at("/x")), "Audit a file/one"},
		decision{"of Allows", alone(file(allow, on("one", allow, "/x"), on("two", allow, "/x"))), read(at("/x")), "Allow a file/one"},
	)
	check(t, "policies in mode Audit never take part in the verdict",
		decision{"neither their Blocks", both(enforced("a", file(allow)), audited("b", file(allow, etc))), read(at("/etc/x")), "Allow a file/default; would Block b file/etc"},
		decision{"nor their Allows", both(enforced("a", file(block)), audited("b", file(block, on("yes", allow, "/x")))), read(at("/x")), "Block a file/default; would Allow b file/yes"},
		decision{"nor their defaults", both(enforced("a", file(allow)), audited("b", file(block))), read(at("/x")), "Allow a file/default; would Block b file/default"},
		decision{"nor their sections", both(enforced("a", process(allow)), audited("b", file(audit))), read(at("/x")), "Allow; would Audit b file/default"},
		decision{"nor what they imply for system", both(enforced("a", file(allow)), audited("b", file(block))), sys(policy.Mount), "Allow; would Block b system/default"},
		decision{"nor their base", both(enforced("a", syscalls(block), withoutBase), audited("b", syscalls(block))), call("read"), "Block a syscalls/default errno 1; would Allow"},
	)
	check(t, "each policy in mode Audit is decided by itself, in order",
		decision{"two", reference.Policies{audited("a", file(block)), enforced("b", file(allow)), audited("c", file(allow, etc))}, read(at("/etc/x")),
			"Allow b file/default; would Block a file/default; would Block c file/etc"},
		decision{"one Block and the other's Allow", both(audited("a", file(block)), audited("b", file(allow, on("yes", allow, "/x")))), read(at("/x")),
			"Allow; would Block a file/default; would Allow b file/yes"},
	)
	mountable := policy.SystemRule{Rule: policy.Rule{Name: "fuse", Action: allow}, Operations: []policy.SystemOperation{policy.Mount}}
	for _, o := range policy.SystemOperations {
		want := "Block a system/default"
		if o == policy.IOUring {
			want = "Allow"
		}
		check(t, "a policy that blocks paths blocks "+o.String(),
			decision{"by a default of process", alone(process(block)), sys(o), want},
			decision{"by a default of file", alone(file(block)), sys(o), want},
			decision{"by a rule of process", alone(process(allow, on("x", block, "/x"))), sys(o), want},
			decision{"by a rule of file of some lineage", alone(file(allow, on("x", block, "/x", sh))), sys(o), want},
			decision{"not when it blocks nothing", alone(file(audit, on("x", audit, "/x")), process(allow)), sys(o), "Allow"},
			decision{"the first such policy", reference.Policies{enforced("z", file(allow)), enforced("a", file(block)), enforced("b", process(block))}, sys(o), want},
		)
	}
	check(t, "unless a system rule allows it",
		decision{"the operation", alone(file(block), system(mountable)), sys(policy.Mount), "Allow a system/fuse"},
		decision{"another operation", alone(file(block), system(mountable)), sys(policy.BPF), "Block a system/default"},
		decision{"a rule of another policy", both(enforced("a", file(block)), enforced("b", system(mountable))), sys(policy.Mount), "Allow b system/fuse"},
		decision{"a Block rule of system", alone(system(policy.SystemRule{Rule: policy.Rule{Name: "no", Action: block}, Operations: []policy.SystemOperation{policy.IOUring}})), sys(policy.IOUring), "Block a system/no"},
		decision{"without process and file rules", alone(system(mountable)), sys(policy.BPF), "Allow"},
	)
}

// TestSpans: a verdict leads to the place in the source that decided.
func TestSpans(t *testing.T) {
	p := enforced("a", process(block), file(audit, on("x", block, "/x")))
	p.Span.Start = 1
	p.Process.DefaultSpan.Start = 2
	p.File.DefaultSpan.Start = 3
	p.File.Rules[0].Span.Start = 4
	p.File.Rules[0].NameSpan.Start = 5
	for _, test := range []struct {
		op   policy.Operation
		want int
	}{
		{run(at("/x")), 2},
		{read(at("/y")), 3},
		{read(at("/x")), 4},
		{read(lost), 1},
		{run(at("/lib/ld.so")), 1},
		{rename("/x", "/y"), 4},
		{sys(policy.Mount), 0},
	} {
		got := reference.Decide(reference.Policies{p}, test.op, nil).Verdict.Rule.Span.Start
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v: %s", test.op, diff)
		}
	}
}

// TestSyscalls has the sentences about system calls.
func TestSyscalls(t *testing.T) {
	rule := func(name string, action policy.Action, errno int, names string, args ...policy.Arg) policy.SyscallRule {
		return policy.SyscallRule{Rule: policy.Rule{Name: name, Action: action}, Names: list(names), Errno: errno, Args: args}
	}
	check(t, "a blocked call returns the errno given",
		decision{"of the rule", alone(syscalls(allow, rule("r", block, 38, "ptrace"))), call("ptrace"), "Block a syscalls/r errno 38"},
		decision{"of the reported rule", both(
			enforced("a", syscalls(allow, func() policy.SyscallRule { r := rule("q", block, 13, "ptrace"); r.Quiet = true; return r }())),
			enforced("b", syscalls(allow, rule("r", block, 38, "ptrace")))), call("ptrace"), "Block b syscalls/r errno 38"},
		decision{"EPERM by default", alone(syscalls(block)), call("ptrace"), "Block a syscalls/default errno 1"},
	)
	check(t, "the default is for what is neither in the base nor in a rule",
		decision{"in the base", alone(syscalls(block)), call("read"), "Allow"},
		decision{"in a rule", alone(syscalls(block, rule("r", allow, 0, "ptrace"))), call("ptrace"), "Allow a syscalls/r"},
		decision{"in neither", alone(syscalls(audit)), call("ptrace"), "Audit a syscalls/default"},
		decision{"in the base for other arguments", alone(syscalls(block)), call("personality", 1), "Block a syscalls/default errno 1"},
	)
	check(t, "a rule comes before the base",
		decision{"Block", alone(syscalls(allow, rule("r", block, 1, "read"))), call("read"), "Block a syscalls/r errno 1"},
		decision{"Audit", alone(syscalls(allow, rule("r", audit, 0, "read"))), call("read"), "Audit a syscalls/r"},
	)
	check(t, "the base is RuntimeDefault unless every policy says None",
		decision{"None", alone(syscalls(block), withoutBase), call("read"), "Block a syscalls/default errno 1"},
		decision{"one of two", both(enforced("a", syscalls(block), withoutBase), enforced("b", syscalls(block))), call("read"), "Allow"},
		decision{"the other of two", both(enforced("a", syscalls(block)), enforced("b", syscalls(block), withoutBase)), call("read"), "Allow"},
		decision{"both", both(enforced("a", syscalls(block), withoutBase), enforced("b", syscalls(allow), withoutBase)), call("read"), "Block a syscalls/default errno 1"},
		decision{"a policy without the section does not count", both(enforced("a", syscalls(block), withoutBase), enforced("b", file(allow))), call("read"), "Block a syscalls/default errno 1"},
	)
	low := policy.Arg{Index: 0, Op: policy.ArgGreater, Value: 2}
	high := policy.Arg{Index: 0, Op: policy.ArgLess, Value: 5}
	second := policy.Arg{Index: 1, Op: policy.ArgMaskedEqual, Mask: 6, Value: 2}
	conditional := alone(syscalls(allow, rule("r", block, 1, "clone ptrace", low, high, second)))
	check(t, "all conditions on arguments hold, also two on one index",
		decision{"all", conditional, call("ptrace", 3, 3), "Block a syscalls/r errno 1"},
		decision{"too low", conditional, call("ptrace", 2, 3), "Allow a syscalls/default"},
		decision{"too high", conditional, call("ptrace", 5, 3), "Allow a syscalls/default"},
		decision{"masked", conditional, call("ptrace", 3, 4), "Allow a syscalls/default"},
		decision{"another call", conditional, call("fork", 3, 3), "Allow a syscalls/default"},
	)
	t.Run("no base allows nothing", func(t *testing.T) {
		if got := show(reference.Decide(alone(syscalls(block)), call("read"), nil)); got != "Block a syscalls/default errno 1" {
			t.Error(got)
		}
	})
}

// TestCapabilities: rules by name, then the default.
func TestCapabilities(t *testing.T) {
	bind := policy.CapabilityRule{Rule: policy.Rule{Name: "bind", Action: allow}, Names: list("NET_BIND_SERVICE CHOWN")}
	check(t, "capabilities",
		decision{"listed", alone(capabilities(block, bind)), capability("CHOWN"), "Allow a capabilities/bind"},
		decision{"not listed", alone(capabilities(block, bind)), capability("SYS_ADMIN"), "Block a capabilities/default"},
		decision{"default Audit", alone(capabilities(audit, bind)), capability("SYS_ADMIN"), "Audit a capabilities/default"},
	)
}
