// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
)

const (
	allow = policy.Allow
	audit = policy.Audit
	block = policy.Block
)

// part sets one part of a policy.
type part func(*policy.Policy)

// enforced and audited make policies of namespace "n".
func enforced(name string, parts ...part) *policy.Policy {
	p := &policy.Policy{Namespace: "n", Name: name}
	for _, set := range parts {
		set(p)
	}
	return p
}

func audited(name string, parts ...part) *policy.Policy {
	p := enforced(name, parts...)
	p.Mode = policy.AuditMode
	return p
}

func process(def policy.Action, rules ...policy.PathRule) part {
	for i := range rules {
		rules[i].Section = policy.Process
		rules[i].Access = policy.AccessExec
	}
	return func(p *policy.Policy) { p.Process = &policy.PathSection{Default: def, Rules: rules} }
}

func file(def policy.Action, rules ...policy.PathRule) part {
	for i := range rules {
		rules[i].Section = policy.File
	}
	return func(p *policy.Policy) { p.File = &policy.PathSection{Default: def, Rules: rules} }
}

// network has one default for both directions.
func network(def policy.Action, rules ...policy.NetworkRule) part {
	for i := range rules {
		rules[i].Section = policy.Network
	}
	return func(p *policy.Policy) { p.Network = &policy.NetworkSection{Ingress: def, Egress: def, Rules: rules} }
}

func syscalls(def policy.Action, rules ...policy.SyscallRule) part {
	for i := range rules {
		rules[i].Section = policy.Syscalls
	}
	return func(p *policy.Policy) { p.Syscalls = &policy.SyscallSection{Default: def, Rules: rules} }
}

func withoutBase(p *policy.Policy) { p.Syscalls.BaseNone = true }

func capabilities(def policy.Action, rules ...policy.CapabilityRule) part {
	for i := range rules {
		rules[i].Section = policy.Capabilities
	}
	return func(p *policy.Policy) { p.Capabilities = &policy.CapabilitySection{Default: def, Rules: rules} }
}

func system(rules ...policy.SystemRule) part {
	for i := range rules {
		rules[i].Section = policy.System
	}
	return func(p *policy.Policy) { p.System = &policy.SystemSection{Rules: rules} }
}

// option changes a rule of process or file.
type option func(*policy.PathRule)

// on makes a rule of process or file about all accesses.
func on(name string, action policy.Action, paths string, options ...option) policy.PathRule {
	r := policy.PathRule{Rule: policy.Rule{Name: name, Action: action}, Paths: list(paths), Access: policy.AccessFile}
	for _, set := range options {
		set(&r)
	}
	return r
}

func access(a policy.Access) option { return func(r *policy.PathRule) { r.Access = a } }
func named(names string) option     { return func(r *policy.PathRule) { r.Names = list(names) } }
func anonymous(r *policy.PathRule)  { r.Anonymous = true }
func quiet(r *policy.PathRule)      { r.Quiet = true }
func from(f policy.From) option     { return func(r *policy.PathRule) { r.From = &f } }

// list makes patterns of texts with spaces between them.
func list(texts string) []policy.Pattern {
	var out []policy.Pattern
	for _, text := range strings.Fields(texts) {
		out = append(out, policy.Pattern{Text: text})
	}
	return out
}

// at is an object with a path; pipe, memfd and lost are objects without one.
func at(path string) policy.Object { return policy.Object{Path: path} }

var (
	pipe  = policy.Object{Class: policy.Unnamed}
	memfd = policy.Object{Class: policy.Anonymous}
	lost  = policy.Object{Class: policy.Unresolved}
)

// run executes one image and read reads one file, without a lineage.
func run(images ...policy.Object) policy.Operation {
	return policy.Operation{Kind: policy.OpExec, Images: images}
}

func read(o policy.Object) policy.Operation { return use(policy.AccessRead, o) }

func use(a policy.Access, o policy.Object) policy.Operation {
	return policy.Operation{Kind: policy.OpFile, Access: a, Object: o}
}

func rename(source, target string) policy.Operation {
	return policy.Operation{Kind: policy.OpRename, Object: at(source), Target: at(target)}
}

func link(source, target string) policy.Operation {
	return policy.Operation{Kind: policy.OpLink, Object: at(source), Target: at(target)}
}

func over(op policy.Operation) policy.Operation      { op.TargetExists = true; return op }
func directory(op policy.Operation) policy.Operation { op.Directory = true; return op }
func exchange(op policy.Operation) policy.Operation {
	op.Exchange, op.TargetExists = true, true
	return op
}

// by makes an operation one of a process with this lineage.
func by(op policy.Operation, lineage ...string) policy.Operation {
	op.Lineage = lineage
	return op
}

// egress is a TCP connection of the governed pod, ingress one to it.
func egress(port uint16, peer policy.Endpoint) policy.Operation {
	return flow(policy.Flow{Direction: policy.Egress, Family: "inet", Type: "stream", Protocol: "TCP", Port: port, Peer: peer})
}

func ingress(port uint16, peer policy.Endpoint) policy.Operation {
	op := egress(port, peer)
	op.Flow.Direction = policy.Ingress
	return op
}

func flow(f policy.Flow) policy.Operation { return policy.Operation{Kind: policy.OpNetwork, Flow: f} }

func call(name string, args ...uint64) policy.Operation {
	op := policy.Operation{Kind: policy.OpSyscall, Syscall: policy.SyscallCall{Arch: "amd64", Name: name}}
	copy(op.Syscall.Args[:], args)
	return op
}

func capability(name string) policy.Operation {
	return policy.Operation{Kind: policy.OpCapability, Capability: name}
}

func sys(o policy.SystemOperation) policy.Operation {
	return policy.Operation{Kind: policy.OpSystem, System: o}
}

// show writes a result as "Block a file/x", with what is unusual about it.
func show(r reference.Result) string {
	out := showVerdict(r.Verdict)
	for _, w := range r.Would {
		out += "; would " + showVerdict(w)
	}
	if r.Undecided {
		out += "; undecided"
	}
	return out
}

func showVerdict(v policy.Verdict) string {
	out := v.Action.String()
	if v.Rule.Rule != "" {
		out += " " + strings.TrimPrefix(v.Rule.Policy, "n/") + " " + v.Rule.Rule
	}
	if v.Errno != 0 {
		out += fmt.Sprintf(" errno %d", v.Errno)
	}
	if v.Action != policy.Allow && !v.Report {
		out += " silently"
	}
	if v.Action == policy.Allow && v.Report {
		out += " with a report"
	}
	return out
}

// decision is one line of a table: what one sentence of the language makes of
// an operation.
type decision struct {
	name     string
	policies reference.Policies
	op       policy.Operation
	want     string
}

func check(t *testing.T, sentence string, decisions ...decision) {
	t.Run(sentence, func(t *testing.T) {
		for _, d := range decisions {
			t.Run(d.name, func(t *testing.T) {
				if got := show(reference.Decide(d.policies, d.op, runtimeDefault)); got != d.want {
					t.Errorf("got %q, want %q", got, d.want)
				}
			})
		}
	})
}

// runtimeDefault stands for a container runtime's default profile.
func runtimeDefault(c policy.SyscallCall) bool {
	return c.Name == "read" || c.Name == "personality" && c.Args[0] == 0
}

// alone is one policy.
func alone(parts ...part) reference.Policies { return reference.Policies{enforced("a", parts...)} }

// both are two policies that govern one container.
func both(a, b *policy.Policy) reference.Policies { return reference.Policies{a, b} }
