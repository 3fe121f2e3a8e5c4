// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

func pool(arches ...linux.Arch) *platform.Pool {
	return &platform.Pool{
		Name: "p", Kernel: linux.KernelVersion{Major: 6, Minor: 1}, Architectures: arches,
		Runtime: platform.Runtime{Name: "containerd", Version: platform.Version{Major: 2, Minor: 1}},
	}
}

// unitOf lowers policies as if they all governed one container.
func unitOf(t interface{ Fatalf(string, ...any) }, ps []*policy.Policy) *ir.Unit {
	var all []*policy.Policy
	for _, p := range ps {
		q := *p
		q.Selector, q.Containers, q.Network, q.File = policy.Selector{}, nil, nil, nil
		all = append(all, &q)
	}
	w := &policy.Workload{Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Containers: []policy.Container{{Name: "c"}}}
	list := &diag.List{}
	program := lower.Program(&policy.Set{Policies: all, Workloads: []*policy.Workload{w}}, list)
	if list.HasErrors() || len(program.Units) != 1 {
		t.Fatalf("%v, %d units", list.Sorted(), len(program.Units))
	}
	return program.Units[0]
}

// want is what the language and the floor say about a call: of a call that rules
// are about by the bits of arguments that the kernel looks at.
func want(b *builder, f *specs.LinuxSeccomp, c policy.SyscallCall) (outcome, error) {
	if b.touched()[c.Name] || !b.floor {
		for i := range c.Args {
			c.Args[i] &= math.MaxUint64 >> (64 - linux.ArgBits(c.Name, i))
		}
	}
	allows := func(c policy.SyscallCall) bool {
		v, err := floor.Decide(f, c.Name, c.Args)
		return err == nil && v.Allows()
	}
	op := policy.Operation{Kind: policy.OpSyscall, Syscall: c}
	r := reference.Decide(b.unit.Policies, op, allows)
	below, err := floor.Decide(f, c.Name, c.Args)
	if err != nil {
		return outcome{}, err
	}
	var watched bool
	for _, part := range systemCalls[c.Name] {
		holds := true
		for _, a := range part.args {
			holds = holds && a.Holds(c.Args[a.Index])
		}
		if !holds {
			continue
		}
		// Conditions on the lineage cannot be held: the unit has none (see generator).
		s := reference.Decide(b.unit.Policies, policy.Operation{Kind: policy.OpSystem, System: part.operation}, nil)
		if part.errno == enosys {
			s.Would = nil // a look into memory would have to say
		}
		if s.Verdict.Action == policy.Block {
			return refused(part.errno), nil
		}
		for _, w := range s.Would {
			watched = watched || w.Action == policy.Block
		}
	}
	switch {
	case r.Verdict.Action == policy.Block && r.Verdict.Rule.Rule != "syscalls/default":
		return refused(r.Verdict.Errno), nil
	case b.floor && !below.Allows():
		return refused(int(below.Errno)), nil
	case r.Verdict.Action == policy.Block:
		return refused(r.Verdict.Errno), nil
	}
	logs := watched || r.Verdict.Action == policy.Audit
	for _, w := range r.Would {
		logs = logs || w.Report
	}
	if logs {
		return logged, nil
	}
	return allowed, nil
}

// TestProfileMeansPolicy compares profiles, read as runc and libseccomp read
// them, with the reference interpreter over the runtime's default profile.
//
//proves:seccomp random
//proves:seccomp syscalls/default-block syscalls/allow syscalls/block syscalls/arguments syscalls/audit syscalls/mode-audit
//proves:seccomp system/mount system/userns system/bpf system/module system/io_uring system/allow system/audit system/implied system/mode-audit
func TestProfileMeansPolicy(t *testing.T) {
	names := []string{"read", "ptrace", "personality", "mount", "clone", "clone3", "socket", "unshare", "bpf", "finit_module", "io_uring_setup", "chown", "nosuchcall"}
	values := []uint64{0, 1, 2, 3, 7, 8, 9, 38, 40, 41, cloneNewUser, cloneNewUser | 1, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1 << 63, math.MaxUint64}
	capabilities, err := floor.Capabilities("containerd", "2.1")
	if err != nil {
		t.Fatal(err)
	}
	p := pool(linux.AMD64, linux.ARM64)
	f, err := floor.Seccomp(floor.Query{Runtime: "containerd", Version: "2.1", Arch: linux.AMD64, Kernel: p.Kernel, Capabilities: capabilities})
	if err != nil {
		t.Fatal(err)
	}
	base, err := baseOf(p, capabilities)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		for _, q := range ps {
			if q.System != nil {
				for i := range q.System.Rules {
					q.System.Rules[i].From = nil
				}
			}
		}
		unit := unitOf(t, ps)
		b := newBuilder(unit, p, base)
		profile := roundTrip(t, b.profile())
		if len(b.complex) > 0 {
			t.Skip("more cases than a filter takes")
		}
		for range 30 {
			c := policy.SyscallCall{Arch: "amd64", Name: rapid.SampledFrom(names).Draw(t, "name")}
			for i := range c.Args {
				c.Args[i] = rapid.SampledFrom(values).Draw(t, "argument")
			}
			w, err := want(b, &f.Seccomp, c)
			if err != nil {
				t.Fatal(err)
			}
			v, err := floor.Decide(profile, c.Name, c.Args)
			if err != nil {
				t.Fatalf("%s%v: %v", c.Name, c.Args, err)
			}
			got := outcome{v.Action, v.Errno}
			if got != w {
				t.Fatalf("%s%v: profile %v, language %v\n%s", c.Name, c.Args, got, w, unit.Dump())
			}
		}
	})
}

func roundTrip(t *rapid.T, p *specs.LinuxSeccomp) *specs.LinuxSeccomp {
	var out specs.LinuxSeccomp
	d := json.NewDecoder(bytes.NewReader(encode(p)))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return &out
}

// TestUntouchedIsTheFloor: a policy that says nothing new leaves the runtime's
// default profile as it is, call by call.
//
//proves:seccomp floor
func TestUntouchedIsTheFloor(t *testing.T) {
	capabilities := []string{"CHOWN", "SYS_ADMIN"}
	for _, runtime := range []platform.Runtime{
		{Name: "containerd", Version: platform.Version{Major: 1, Minor: 6, Patch: 8}},
		{Name: "containerd", Version: platform.Version{Major: 2, Minor: 1}},
		{Name: "cri-o", Version: platform.Version{Major: 1, Minor: 24}},
		{Name: "cri-o", Version: platform.Version{Major: 1, Minor: 34}},
	} {
		for _, arch := range linux.NodeArches() {
			p := pool(arch)
			p.Runtime = runtime
			f, err := floor.Seccomp(floor.Query{Runtime: runtime.Name, Version: runtime.Version.String(), Arch: arch, Kernel: p.Kernel, Capabilities: capabilities})
			if err != nil {
				t.Fatal(err)
			}
			base, err := baseOf(p, capabilities)
			if err != nil {
				t.Fatal(err)
			}
			unit := unitOf(t, []*policy.Policy{{Namespace: "n", Name: "p", Syscalls: &policy.SyscallSection{}}})
			profile := newBuilder(unit, p, base).profile()
			for _, name := range append([]string{"nosuchcall"}, linux.SyscallNames(arch)...) {
				for _, a := range []uint64{0, 8, 16, 38, 40, 0x20000, 0x20008, cloneNewUser, 0x7e020000, 0xffffffff, 1 << 40} {
					args := [6]uint64{a, a}
					w, err1 := floor.Decide(&f.Seccomp, name, args)
					g, err2 := floor.Decide(profile, name, args)
					if err1 != nil || err2 != nil || w != g {
						t.Errorf("%s %s %s(%d): %v, want %v; %v %v", runtime.Name, arch, name, a, g, w, err1, err2)
					}
				}
			}
		}
		if err := takes(func() *platform.Pool { p := pool(linux.AMD64, linux.ARM64); p.Runtime = runtime; return p }()); err != nil {
			t.Errorf("%s %s: %v", runtime.Name, runtime.Version, err)
		}
	}
}

// TestVariants: a rule about a call also holds for what 32-bit programs use in
// its place.
func TestVariants(t *testing.T) {
	p := pool(linux.AMD64)
	base, err := baseOf(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	rule := policy.SyscallRule{Rule: policy.Rule{Section: policy.Syscalls, Name: "r", Action: policy.Block}, Names: []policy.Pattern{{Text: "chown"}, {Text: "mmap"}, {Text: "fcntl"}, {Text: "futex"}, {Text: "connect"}, {Text: "shmget"}, {Text: "wait4"}}, Errno: eperm}
	unit := unitOf(t, []*policy.Policy{{Namespace: "n", Name: "p", Syscalls: &policy.SyscallSection{Rules: []policy.SyscallRule{rule}}}})
	profile := newBuilder(unit, p, base).profile()
	for _, name := range []string{"chown", "chown32", "mmap", "mmap2", "fcntl64", "futex_time64"} {
		if v, err := floor.Decide(profile, name, [6]uint64{}); err != nil || v.Allows() {
			t.Errorf("%s: %v %v", name, v, err)
		}
	}
	for _, c := range []struct {
		name string
		arg  uint64
		want bool
	}{{"socketcall", 1, false}, {"socketcall", 3, false}, {"ipc", 23, false}, {"waitpid", 0, false}} {
		if v, err := floor.Decide(profile, c.name, [6]uint64{c.arg}); err != nil || v.Allows() != c.want {
			t.Errorf("%s(%d): %v %v", c.name, c.arg, v, err)
		}
	}
	if v, _ := floor.Decide(profile, "fchown32", [6]uint64{}); !v.Allows() {
		t.Error("fchown32 is refused")
	}
}

// TestTooComplex: what does not fit a filter is an error that names the rule,
// and the call is refused rather than let through.
func TestTooComplex(t *testing.T) {
	var args []policy.Arg
	for i := range 3 {
		args = append(args, policy.Arg{Index: i, Op: policy.ArgGreater, Value: 5}, policy.Arg{Index: i, Op: policy.ArgLess, Value: 1<<40 + 12345})
	}
	rule := policy.SyscallRule{Rule: policy.Rule{Section: policy.Syscalls, Name: "r", Action: policy.Block}, Names: []policy.Pattern{{Text: "read"}}, Args: args, Errno: eperm}
	unit := unitOf(t, []*policy.Policy{{Namespace: "n", Name: "p", Syscalls: &policy.SyscallSection{Rules: []policy.SyscallRule{rule}}}})
	out := run(emit.Input{Program: &ir.Program{Units: []*ir.Unit{unit}}, Pool: pool(linux.AMD64)})
	if len(out.Findings) != 1 || out.Findings[0].Code != diag.StateBudget {
		t.Fatalf("findings %v", out.Findings)
	}
	var profile specs.LinuxSeccomp
	if err := json.Unmarshal(out.Files[0].Data, &profile); err != nil {
		t.Fatal(err)
	}
	if v, err := floor.Decide(&profile, "read", [6]uint64{}); err != nil || v.Allows() {
		t.Errorf("read: %v %v", v, err)
	}
}
