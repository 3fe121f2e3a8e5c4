// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// capabilitySets are each capability alone, none, all, what a container gets, and sets in which
// rules with and without a capability meet.
func capabilitySets(defaults []string) [][]string {
	all := linux.CapabilityNames()
	sets := [][]string{nil, all, defaults,
		{"SYS_ADMIN", "BPF"}, {"SYS_ADMIN", "PERFMON"}, {"BPF", "PERFMON"}, {"SYS_ADMIN", "AUDIT_WRITE"}, {"SYS_PTRACE", "SYS_ADMIN"},
		{"NET_ADMIN", "NET_RAW", "SYS_MODULE", "SYS_TIME"},
		append(slices.Clone(defaults), "SYS_ADMIN", "SYS_PTRACE"),
		slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == "SYS_ADMIN" }),
		slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == "AUDIT_WRITE" || name == "BPF" }),
	}
	for _, name := range all {
		sets = append(sets, []string{name})
	}
	return sets
}

// vectors are arguments on both sides of every value that the profiles compare
// with, in each of the positions that they look at.
func vectors(profiles ...*specs.LinuxSeccomp) [][6]uint64 {
	values := []uint64{0, 1 << 32, 1<<64 - 1}
	for _, p := range profiles {
		for _, rule := range p.Syscalls {
			for _, c := range rule.Args {
				values = append(values, c.Value-1, c.Value, c.Value+1, c.Value|1<<32, c.ValueTwo)
			}
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	var vectors [][6]uint64
	for _, v := range values {
		vectors = append(vectors, [6]uint64{v}, [6]uint64{0: v, 2: 9}, [6]uint64{0: 16, 2: v}, [6]uint64{v, v, v, v, v, v})
	}
	return vectors
}

// callNames are all names that Linux or one of the profiles knows.
func callNames(profiles ...*specs.LinuxSeccomp) []string {
	var names []string
	for _, arch := range linux.Arches() {
		names = append(names, linux.SyscallNames(arch)...)
	}
	for _, p := range profiles {
		for _, rule := range p.Syscalls {
			names = append(names, rule.Names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// conditional says whether a profile looks at the arguments of a call.
func conditional(name string, profiles ...*specs.LinuxSeccomp) bool {
	return slices.ContainsFunc(profiles, func(p *specs.LinuxSeccomp) bool {
		return slices.ContainsFunc(p.Syscalls, func(rule specs.LinuxSyscall) bool {
			return len(rule.Args) > 0 && slices.Contains(rule.Names, name)
		})
	})
}

// calls goes through every call that could make a difference to the profiles.
func calls(yield func(name string, args [6]uint64) bool, profiles ...*specs.LinuxSeccomp) {
	vectors := vectors(profiles...)
	for _, name := range callNames(profiles...) {
		if !conditional(name, profiles...) {
			if !yield(name, [6]uint64{}) {
				return
			}
			continue
		}
		for _, args := range vectors {
			if !yield(name, args) {
				return
			}
		}
	}
}

// sameVerdicts compares two profiles call by call.
func sameVerdicts(t *testing.T, got, want *specs.LinuxSeccomp) {
	t.Helper()
	calls(func(name string, args [6]uint64) bool {
		g, err := floor.Decide(got, name, args)
		if err != nil {
			t.Errorf("avert's profile: %v", err)
			return false
		}
		w, err := floor.Decide(want, name, args)
		if err != nil {
			t.Errorf("the runtime's profile: %v", err)
			return false
		}
		if g != w {
			t.Errorf("%s%#x: avert says %v, the runtime %v", name, args, g, w)
		}
		return !t.Failed()
	}, got, want)
}

func kernelVersion(t *testing.T, text string) linux.KernelVersion {
	t.Helper()
	v, err := linux.ParseKernelVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestProfilesEqualTheRuntimes asks the real runtimes.
//
//proves:seccomp floor
func TestProfilesEqualTheRuntimes(t *testing.T) {
	for _, source := range Sources() {
		for i, version := range source.Versions {
			asked := source.From
			if source.First != "" {
				asked = []string{source.First, source.Last}[i]
			}
			t.Run(source.Runtime+" "+asked+" by "+version, func(t *testing.T) {
				probe, err := NewProbe(source, version, t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				want, err := probe.Capabilities(source)
				if err != nil {
					t.Fatal(err)
				}
				defaults, err := floor.Capabilities(source.Runtime, asked)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, defaults, cmpopts.SortSlices(strings.Compare)); diff != "" {
					t.Errorf("default capabilities: %s", diff)
				}
				sets := capabilitySets(defaults)
				for _, arch := range linux.NodeArches() {
					for _, kernel := range []string{"4.4", "6.1"} {
						profiles, err := probe.Profiles(arch, kernel+".0", sets)
						if errors.Is(err, ErrNoEmulator) {
							needs.Missing(t, err.Error())
						}
						if err != nil {
							t.Fatal(err)
						}
						for i, set := range sets {
							got, err := floor.Seccomp(floor.Query{Runtime: source.Runtime, Version: asked, Arch: arch, Kernel: kernelVersion(t, kernel), Capabilities: set})
							if err != nil {
								t.Fatal(err)
							}
							if got.Exact != (source.First != "") {
								t.Errorf("Exact is %v", got.Exact)
							}
							sameVerdicts(t, &got.Seccomp, profiles[i])
							if diff := cmp.Diff(profiles[i].Architectures, got.Seccomp.Architectures, cmpopts.SortSlices(func(a, b specs.Arch) bool { return a < b })); diff != "" {
								t.Errorf("architectures: %s", diff)
							}
							if t.Failed() {
								t.Fatalf("on %s with kernel %s and capabilities %v", arch, kernel, set)
							}
						}
					}
				}
			})
		}
	}
}

// TestProfilesInLibseccomp holds that Decide is right about the default profiles
// themselves: libseccomp builds what they mean.
func TestProfilesInLibseccomp(t *testing.T) {
	needAMD64(t)
	for _, source := range Sources() {
		t.Run(source.Runtime+" "+source.From, func(t *testing.T) {
			defaults, err := floor.Capabilities(source.Runtime, source.From)
			if err != nil {
				t.Fatal(err)
			}
			for _, set := range capabilitySets(defaults) {
				p, err := floor.Seccomp(floor.Query{Runtime: source.Runtime, Version: source.From, Arch: linux.AMD64, Kernel: kernelVersion(t, "6.1"), Capabilities: set})
				if err != nil {
					t.Fatal(err)
				}
				f, err := newFilter(&p.Seccomp)
				if err != nil {
					t.Fatal(err)
				}
				calls(func(name string, args [6]uint64) bool {
					if _, ok := linux.Syscall(linux.AMD64, name); !ok || !f.knows(name) {
						return true
					}
					got, err := floor.Decide(&p.Seccomp, name, args)
					if err != nil {
						t.Error(err)
						return false
					}
					want, err := f.decide(name, args)
					if err != nil {
						t.Error(err)
						return false
					}
					if got != want {
						t.Errorf("%s%#x with %v: Decide says %v, libseccomp %v", name, args, set, got, want)
					}
					return !t.Failed()
				}, &p.Seccomp)
			}
		})
	}
}

// TestGapsAreOnTheStrictSide holds what Source.From promises: the versions between
// two rows, which nobody looked at, have the profile that allows less.
func TestGapsAreOnTheStrictSide(t *testing.T) {
	profile := func(runtime, version string, arch linux.Arch, set []string) *specs.LinuxSeccomp {
		p, err := floor.Seccomp(floor.Query{Runtime: runtime, Version: version, Arch: arch, Kernel: kernelVersion(t, "6.1"), Capabilities: set})
		if err != nil {
			t.Fatal(err)
		}
		return &p.Seccomp
	}
	sources := Sources()
	for i, next := range sources[1:] {
		before := sources[i]
		if before.First == "" || next.First == "" || next.First[:3] != before.First[:3] || adjacent(t, before.Last, next.First) {
			continue
		}
		strict, loose := before, next // the gap belongs to the row before
		if next.From != next.First {
			strict, loose = next, before
		}
		defaults, err := floor.Capabilities(before.Runtime, before.First)
		if err != nil {
			t.Fatal(err)
		}
		for _, arch := range linux.NodeArches() {
			for _, set := range capabilitySets(defaults) {
				s, l := profile(strict.Runtime, strict.First, arch, set), profile(loose.Runtime, loose.First, arch, set)
				calls(func(name string, args [6]uint64) bool {
					vs, err := floor.Decide(s, name, args)
					if err != nil {
						t.Fatal(err)
					}
					vl, err := floor.Decide(l, name, args)
					if err != nil {
						t.Fatal(err)
					}
					if vs.Allows() && !vl.Allows() {
						t.Errorf("between %s and %s: %s%#x is allowed by %s, not by %s", before.Last, next.First, name, args, strict.First, loose.First)
						return false
					}
					return true
				}, s, l)
			}
		}
	}
}

// adjacent says whether no patch release lies between two of one minor version.
func adjacent(t *testing.T, a, b string) bool {
	patch := func(version string) int {
		n, err := strconv.Atoi(version[strings.LastIndex(version, ".")+1:])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return patch(a)+1 == patch(b)
}
