// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"fmt"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// TestPlantedBugsAreFound: whatever single entry, name, condition, errno or
// action a profile loses or confuses, comparing it with the reference shows it.
//
//proves:seccomp mutations
func TestPlantedBugsAreFound(t *testing.T) {
	p := pool(linux.AMD64)
	capabilities, err := floor.Capabilities("containerd", "2.1")
	if err != nil {
		t.Fatal(err)
	}
	f, err := floor.Seccomp(floor.Query{Runtime: "containerd", Version: "2.1", Arch: linux.AMD64, Kernel: p.Kernel, Capabilities: capabilities})
	if err != nil {
		t.Fatal(err)
	}
	base, err := baseOf(p, capabilities)
	if err != nil {
		t.Fatal(err)
	}
	rule := func(name string, action policy.Action, errno int, call string, args ...policy.Arg) policy.SyscallRule {
		return policy.SyscallRule{Rule: policy.Rule{Section: policy.Syscalls, Name: name, Action: action}, Names: []policy.Pattern{{Text: call}}, Errno: errno, Args: args}
	}
	b := newBuilder(unitOf(t, []*policy.Policy{{Namespace: "n", Name: "p", Syscalls: &policy.SyscallSection{Rules: []policy.SyscallRule{
		rule("whole", policy.Block, 13, "ptrace"),
		rule("some", policy.Block, 38, "kill", policy.Arg{Index: 1, Op: policy.ArgEqual, Value: 9}),
		rule("between", policy.Block, 1, "getpriority", policy.Arg{Index: 0, Op: policy.ArgGreater, Value: 1}, policy.Arg{Index: 0, Op: policy.ArgLess, Value: 8}),
		rule("bits", policy.Block, 1, "setpriority", policy.Arg{Index: 2, Op: policy.ArgMaskedEqual, Mask: 4, Value: 4}, policy.Arg{Index: 0, Op: policy.ArgNotEqual, Value: 0}),
		rule("seen", policy.Audit, 0, "getcpu"),
	}}}}), p, base)
	var calls []policy.SyscallCall
	values := []uint64{0, 1, 2, 3, 4, 7, 8, 9, 38, 40, 0x20000, 0x20008, cloneNewUser, 0xffffffff}
	var bits []uint64 // masks tell single bits apart
	for i := range 32 {
		bits = append(bits, 1<<i, 1<<i|9, 1<<i|4)
	}
	for _, name := range append(slices.Clone(linux.SyscallNames(linux.AMD64)), "nosuchcall") {
		calls = append(calls, policy.SyscallCall{Name: name, Args: [6]uint64{1, 2, 3, 4, 5, 6}})
	}
	for _, name := range []string{"ptrace", "kill", "getpriority", "setpriority", "getcpu", "clone", "clone3", "personality", "socket"} {
		for i := range 3 {
			for _, v := range append(bits, values...) {
				for _, w := range values {
					args := [6]uint64{w, w, w}
					args[i] = v
					calls = append(calls, policy.SyscallCall{Name: name, Args: args})
				}
			}
		}
	}
	// differs looks at the calls of the given names only, or at all.
	differs := func(profile *specs.LinuxSeccomp, names ...string) bool {
		return slices.ContainsFunc(calls, func(c policy.SyscallCall) bool {
			if len(names) > 0 && !slices.Contains(names, c.Name) {
				return false
			}
			w, err := want(b, &f.Seccomp, c)
			if err != nil {
				t.Fatal(err)
			}
			v, err := floor.Decide(profile, c.Name, c.Args)
			return err != nil || outcome{v.Action, v.Errno} != w
		})
	}
	good := b.profile()
	if differs(good) {
		t.Fatal("the profile itself differs")
	}
	known := map[string]bool{}
	for _, name := range linux.SyscallNames(linux.AMD64) {
		known[name] = true
	}
	planted := 0
	plant := func(what string, change func(*specs.LinuxSeccomp), names ...string) {
		bad := clone(good)
		change(bad)
		planted++
		if !differs(bad, names...) {
			t.Errorf("not found: %s", what)
		}
	}
	plant("default action", func(p *specs.LinuxSeccomp) { p.DefaultAction = specs.ActAllow })
	for i, s := range good.Syscalls {
		own := slices.ContainsFunc(s.Names, func(n string) bool { return known[n] })
		if !own {
			continue // about 32-bit programs: TestVariants
		}
		plant(fmt.Sprint("lost entry ", s.Names[0]), func(p *specs.LinuxSeccomp) { p.Syscalls = slices.Delete(p.Syscalls, i, i+1) }, s.Names...)
		plant(fmt.Sprint("action of ", s.Names[0]), func(p *specs.LinuxSeccomp) {
			if p.Syscalls[i].Action == specs.ActAllow {
				p.Syscalls[i].Action = specs.ActLog
			} else {
				p.Syscalls[i].Action, p.Syscalls[i].ErrnoRet = specs.ActAllow, nil
			}
		}, s.Names...)
		for j := range s.Args {
			plant(fmt.Sprint("index in ", s.Names[0]), func(p *specs.LinuxSeccomp) { p.Syscalls[i].Args[j].Index = 5 }, s.Names...)
			plant(fmt.Sprint("value in ", s.Names[0]), func(p *specs.LinuxSeccomp) { p.Syscalls[i].Args[j].Value ^= 0x3 }, s.Names...)
			// An Allow that gets wider into what another Allow covers is no bug.
			if len(s.Args) > 1 && s.Action != specs.ActAllow {
				plant(fmt.Sprint("lost condition of ", s.Names[0]), func(p *specs.LinuxSeccomp) {
					p.Syscalls[i].Args = slices.Delete(p.Syscalls[i].Args, j, j+1)
				}, s.Names...)
			}
		}
		if s.ErrnoRet != nil {
			plant(fmt.Sprint("errno of ", s.Names[0]), func(p *specs.LinuxSeccomp) { *p.Syscalls[i].ErrnoRet = 99 }, s.Names...)
		}
		if len(s.Names) > 1 && known[s.Names[0]] {
			plant("lost name "+s.Names[0], func(p *specs.LinuxSeccomp) { p.Syscalls[i].Names = p.Syscalls[i].Names[1:] })
		}
	}
	if planted < 40 {
		t.Errorf("only %d bugs planted", planted)
	}
}

func clone(p *specs.LinuxSeccomp) *specs.LinuxSeccomp {
	q := *p
	q.Syscalls = slices.Clone(p.Syscalls)
	for i := range q.Syscalls {
		q.Syscalls[i].Args = slices.Clone(q.Syscalls[i].Args)
		q.Syscalls[i].Names = slices.Clone(q.Syscalls[i].Names)
		if e := q.Syscalls[i].ErrnoRet; e != nil {
			value := *e
			q.Syscalls[i].ErrnoRet = &value
		}
	}
	return &q
}
