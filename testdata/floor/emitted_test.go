// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/floor"
)

// profileOf compiles a policy with the given syscalls section; nil when its
// conditions do not fit a filter or can never hold.
func profileOf(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, syscalls string) *specs.LinuxSeccomp {
	text := "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: p, namespace: n}\nspec:\n  selector: {}\n  syscalls: " + syscalls + "\n"
	r := compiler.Compile(compiler.Input{Files: []*diag.File{diag.NewFile("policy.yaml", []byte(text))}, Targets: []string{"seccomp"}})
	for _, f := range r.Files {
		if f.Path == "nodes/seccomp/n-p.json" {
			var p specs.LinuxSeccomp
			if err := json.Unmarshal(f.Data, &p); err != nil {
				t.Fatal(err)
			}
			return &p
		}
	}
	for _, f := range r.Findings {
		if f.Severity == diag.Error && f.Code != diag.StateBudget && f.Code != diag.InvalidArgument {
			t.Fatalf("%s: %s", f.Code, f.Message)
		}
	}
	return nil
}

// TestEmittedProfiles compares the profiles that policies compile to with the
// filters that libseccomp makes of them: it loses rules of some forms, which the
// compiler must not emit.
func TestEmittedProfiles(t *testing.T) {
	calls := []string{"mprotect", "personality", "socket", "kill", "setpriority"}
	values := []uint64{0, 1, 2, 3, 9, 16, 17, 40, 0x7fffffff, 0xffffffff, 1 << 32, 1<<32 | 16, 1<<63 | 9, math.MaxUint64}
	rapid.Check(t, func(t *rapid.T) {
		var rules []string
		for i := range rapid.IntRange(1, 3).Draw(t, "rules") {
			var args []string
			for range rapid.IntRange(1, 2).Draw(t, "conditions") {
				index := rapid.IntRange(0, 2).Draw(t, "index")
				if rapid.IntRange(0, 3).Draw(t, "masked") == 0 {
					mask := rapid.SampledFrom([]uint64{1, 4, 0xff, 1 << 31, 1 << 33}).Draw(t, "mask")
					args = append(args, fmt.Sprintf("{index: %d, op: maskedEq, mask: %d, value: %d}", index, mask, mask&rapid.SampledFrom(values).Draw(t, "value")))
					continue
				}
				args = append(args, fmt.Sprintf("{index: %d, op: %s, value: %d}", index,
					rapid.SampledFrom([]string{"eq", "eq", "ne", "lt", "le", "gt", "ge"}).Draw(t, "op"), rapid.SampledFrom(values).Draw(t, "value")))
			}
			rules = append(rules, fmt.Sprintf("{name: r%d, action: %s, names: [%s], args: [%s]}", i,
				rapid.SampledFrom([]string{"Block", "Block", "Audit", "Allow"}).Draw(t, "action"), rapid.SampledFrom(calls).Draw(t, "call"), strings.Join(args, ", ")))
		}
		syscalls := fmt.Sprintf("{default: %s, rules: [%s]}", rapid.SampledFrom([]string{"Allow", "Block"}).Draw(t, "default"), strings.Join(rules, ", "))
		profile := profileOf(t, syscalls)
		if profile == nil {
			t.Skip("does not fit a filter")
		}
		f, err := newFilter(profile, libseccomp.ArchX86, libseccomp.ArchX32, libseccomp.ArchARM64, libseccomp.ArchARM)
		if err != nil {
			t.Fatalf("%s: %v", syscalls, err)
		}
		for range 100 {
			name := rapid.SampledFrom(calls).Draw(t, "name")
			var args [6]uint64
			for i := range 3 {
				args[i] = rapid.SampledFrom(values).Draw(t, "argument") + uint64(rapid.IntRange(0, 1).Draw(t, "more"))
			}
			want, err := floor.Decide(profile, name, args)
			if errors.Is(err, floor.ErrOverlap) {
				t.Fatalf("%s: rules for %s overlap", syscalls, name)
			}
			got, err := f.decide(name, args)
			if err != nil || got != want {
				t.Fatalf("%s: %s%x: libseccomp %v, profile %v (%v)", syscalls, name, args, got, want, err)
			}
			for i := range args {
				args[i] &= math.MaxUint32
			}
			want, err = floor.Decide(profile, name, args)
			if err != nil {
				t.Fatalf("%s: %s: %v", syscalls, name, err)
			}
			got, err = f.decide32(name, args)
			if err != nil || got != want {
				t.Fatalf("%s: 32-bit %s%x: libseccomp %v, profile %v (%v)", syscalls, name, args, got, want, err)
			}
		}
	})
}

// TestLargestFilter: what the compiler takes for small enough is: the kernel
// loads at most 4,096 instructions (BPF_MAXINSNS).
func TestLargestFilter(t *testing.T) {
	needAMD64(t)
	rules := map[string]func(int) string{
		"points of two arguments": func(i int) string {
			return fmt.Sprintf("{name: r%d, action: Block, names: [socket], errno: EACCES, args: [{index: %d, op: eq, value: %d}]}", i, i%2, 3+i*7)
		},
		"many calls": func(i int) string {
			names := []string{"kill", "setpriority", "getpriority", "dup3", "flock", "listen", "shutdown", "personality", "fchdir", "tkill", "tgkill", "waitid"}
			return fmt.Sprintf("{name: r%d, action: Block, names: [%s], args: [{index: 0, op: eq, value: %d}, {index: 1, op: eq, value: %d}]}", i, names[i%len(names)], i*0x12345, i*977)
		},
		"masks": func(i int) string {
			return fmt.Sprintf("{name: r%d, action: Block, names: [mprotect], errno: EACCES, args: [{index: 0, op: maskedEq, mask: 0xff00ff, value: %d}, {index: 1, op: maskedEq, mask: 0xff, value: %d}, {index: 2, op: maskedEq, mask: 0xf, value: %d}]}", i, i%200, i*3%251, i%16)
		},
	}
	for name, rule := range rules {
		largest := 0
		var all []string
		for i := range 400 {
			all = append(all, rule(i))
			profile := profileOf(t, "{default: Allow, rules: ["+strings.Join(all, ", ")+"]}")
			if profile == nil {
				break
			}
			n, err := instructions(profile)
			if err != nil {
				t.Fatal(err)
			}
			largest = max(largest, n)
		}
		t.Logf("%s: at most %d instructions", name, largest)
		if largest < 1700 || largest > 4096 {
			t.Errorf("%s: the largest filter has %d instructions", name, largest)
		}
	}
}
