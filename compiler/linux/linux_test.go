// SPDX-License-Identifier: Apache-2.0

package linux_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"pgregory.net/rapid"
)

func TestSyscallArches(t *testing.T) {
	for _, test := range []struct {
		name string
		want []linux.Arch
	}{
		{"read", linux.Arches()},
		{"open", []linux.Arch{linux.AMD64, linux.I386, linux.X32, linux.ARM}},
		{"mmap2", []linux.Arch{linux.I386, linux.ARM}},
		{"arch_prctl", []linux.Arch{linux.AMD64, linux.I386, linux.X32}},
		{"_sysctl", []linux.Arch{linux.AMD64, linux.I386, linux.ARM}},
		{"set_tls", []linux.Arch{linux.ARM}},
		{"Read", nil},
		{"", nil},
	} {
		if diff := cmp.Diff(test.want, linux.SyscallArches(test.name)); diff != "" {
			t.Errorf("%q: %s", test.name, diff)
		}
	}
}

func TestEveryNameHasItsNumber(t *testing.T) {
	lists := map[string]struct {
		names  []string
		number func(string) (int, bool)
	}{
		"errno":  {linux.ErrnoNames(), linux.Errno},
		"family": {linux.AddressFamilyNames(), linux.AddressFamily},
		"type":   {linux.SocketTypeNames(), linux.SocketType},
	}
	for _, arch := range linux.Arches() {
		lists["system call "+string(arch)] = struct {
			names  []string
			number func(string) (int, bool)
		}{linux.SyscallNames(arch), func(name string) (int, bool) { return linux.Syscall(arch, name) }}
	}
	for what, list := range lists {
		if len(list.names) == 0 || !slices.IsSorted(list.names) || len(slices.Compact(slices.Clone(list.names))) != len(list.names) {
			t.Errorf("%s: names are not a sorted set", what)
		}
		for _, name := range list.names {
			if _, ok := list.number(name); !ok {
				t.Errorf("%s %q is listed but has no number", what, name)
			}
		}
	}
}

func TestSyscallNumbersAreUnique(t *testing.T) {
	for _, arch := range linux.Arches() {
		names := map[int]string{}
		for _, name := range linux.SyscallNames(arch) {
			number, _ := linux.Syscall(arch, name)
			if other, ok := names[number]; ok {
				t.Errorf("%s: %s and %s share number %d", arch, other, name, number)
			}
			names[number] = name
		}
	}
}

func TestArch(t *testing.T) {
	want := map[linux.Arch]specs.Arch{
		linux.AMD64: specs.ArchX86_64, linux.I386: specs.ArchX86, linux.X32: specs.ArchX32,
		linux.ARM64: specs.ArchAARCH64, linux.ARM: specs.ArchARM,
	}
	for _, arch := range linux.Arches() {
		if arch.OCI() != string(want[arch]) {
			t.Errorf("%s.OCI() = %s, want %s", arch, arch.OCI(), want[arch])
		}
	}
	var covered []linux.Arch
	for _, arch := range linux.NodeArches() {
		covered = append(append(covered, arch), arch.SubArches()...)
		if got, err := linux.ParseNodeArch(string(arch)); err != nil || got != arch {
			t.Errorf("ParseNodeArch(%s) = %v, %v", arch, got, err)
		}
	}
	slices.Sort(covered)
	if diff := cmp.Diff(slices.Sorted(slices.Values(linux.Arches())), covered); diff != "" {
		t.Errorf("node architectures and their sub-architectures are not all: %s", diff)
	}
	for name, hint := range map[string]string{"x86_64": `"amd64"`, "aarch64": `"arm64"`, "386": "amd64 or arm64", "s390x": "amd64 or arm64", "": "amd64 or arm64"} {
		if _, err := linux.ParseNodeArch(name); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("ParseNodeArch(%q): error %v, want one that says %s", name, err, hint)
		}
	}
}

func TestCapabilityByName(t *testing.T) {
	for _, want := range linux.Capabilities() {
		if got, ok := linux.CapabilityByName(want.Name); !ok || got != want {
			t.Errorf("CapabilityByName(%s) = %v, %v", want.Name, got, ok)
		}
	}
	for _, name := range []string{"CAP_CHOWN", "chown", ""} {
		if got, ok := linux.CapabilityByName(name); ok {
			t.Errorf("CapabilityByName(%q) = %v", name, got)
		}
	}
}

func TestParseKernelVersion(t *testing.T) {
	for text, want := range map[string]linux.KernelVersion{
		"6.1":                       {Major: 6, Minor: 1},
		"6.1.0":                     {Major: 6, Minor: 1},
		"5.10.262":                  {Major: 5, Minor: 10, Patch: 262},
		"6.1.0-44-cloud-amd64":      {Major: 6, Minor: 1},
		"5.14.0-503.el9.x86_64":     {Major: 5, Minor: 14},
		"6.6.87.2-microsoft-WSL2":   {Major: 6, Minor: 6, Patch: 87},
		"6.18.0+":                   {Major: 6, Minor: 18},
		"4.14.35-2047.el7uek.amd64": {Major: 4, Minor: 14, Patch: 35},
	} {
		if got, err := linux.ParseKernelVersion(text); err != nil || got != want {
			t.Errorf("ParseKernelVersion(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "6", "6.", ".1", "v6.1", "6.x", "6.1.x", "6 .1", "6.-1", "6.65536", "-6.1", "６.１"} {
		if got, err := linux.ParseKernelVersion(text); err == nil {
			t.Errorf("ParseKernelVersion(%q) = %v, want an error", text, got)
		}
	}
}

func TestKernelVersionOrder(t *testing.T) {
	version := rapid.Custom(func(t *rapid.T) linux.KernelVersion {
		n := rapid.Uint16Range(0, 12)
		return linux.KernelVersion{Major: n.Draw(t, "major"), Minor: n.Draw(t, "minor"), Patch: n.Draw(t, "patch")}
	})
	rapid.Check(t, func(t *rapid.T) {
		v, w := version.Draw(t, "v"), version.Draw(t, "w")
		weight := func(v linux.KernelVersion) int {
			return int(v.Major)<<32 + int(v.Minor)<<16 + int(v.Patch)
		}
		if got, want := v.AtLeast(w), weight(v) >= weight(w); got != want {
			t.Errorf("%v.AtLeast(%v) = %v", v, w, got)
		}
		if v.Compare(w) != -w.Compare(v) {
			t.Errorf("%v.Compare(%v) is not antisymmetric", v, w)
		}
		if again, err := linux.ParseKernelVersion(v.String()); err != nil || again != v {
			t.Errorf("%v reads back as %v, %v", v, again, err)
		}
	})
}

func FuzzParseKernelVersion(f *testing.F) {
	f.Add("6.1.0-44-cloud-amd64")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := linux.ParseKernelVersion(text)
		if err != nil {
			return
		}
		if again, err := linux.ParseKernelVersion(v.String()); err != nil || again != v {
			t.Errorf("%q is %v, which reads back as %v, %v", text, v, again, err)
		}
	})
}
