// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/internal/needs"
)

// unixDir is the source of golang.org/x/sys/unix.
func unixDir(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "golang.org/x/sys/unix").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(dir))
}

// constants reads the constants of a file of golang.org/x/sys/unix that have a
// prefix, in another way than the generator does.
func constants(t *testing.T, file, prefix string) map[string]int {
	t.Helper()
	return definitions(t, filepath.Join(unixDir(t), file), `^`+prefix+`(\w+)\s*=\s*(0x[0-9a-f]+|\d+)$`)
}

// definitions finds names and numbers by a pattern with these two groups.
func definitions(t *testing.T, path, pattern string) map[string]int {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(pattern)
	found := map[string]int{}
	for text := range strings.Lines(string(source)) {
		if m := line.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
			n, err := strconv.ParseInt(m[2], 0, 64)
			if err != nil {
				t.Fatal(err)
			}
			found[m[1]] = int(n)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no constants found in %s", path)
	}
	return found
}

func lower(m map[string]int) map[string]int {
	out := map[string]int{}
	for k, v := range m {
		out[strings.ToLower(k)] = v
	}
	return out
}

func numbers(t table) map[string]int {
	out := map[string]int{}
	for _, e := range t {
		out[e.name] = e.number
	}
	return out
}

func TestSyscallsEqualXSys(t *testing.T) {
	for _, arch := range []Arch{AMD64, ARM64, I386, ARM} {
		t.Run(string(arch), func(t *testing.T) {
			want := lower(constants(t, "zsysnum_linux_"+string(arch)+".go", "SYS_"))
			delete(want, "syscall_mask")
			delete(want, "arch_specific_syscall")
			got := numbers(syscalls(arch))
			if arch == ARM { // not in x/sys: numbers from __ARM_NR_BASE on
				maps.DeleteFunc(got, func(_ string, n int) bool { return n > 0xf0000 })
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestX32EqualsKernelHeader(t *testing.T) {
	const header = "/usr/include/x86_64-linux-gnu/asm/unistd_x32.h"
	if _, err := os.Stat(header); err != nil {
		needs.Missing(t, "needs linux-libc-dev for amd64: "+err.Error())
	}
	want := definitions(t, header, `^#define __NR_(\w+) \(__X32_SYSCALL_BIT \+ (\d+)\)$`)
	newest := 0 // number outside of the range that x32 has for itself
	for name, number := range want {
		if number < 512 {
			newest = max(newest, number)
		}
		want[name] |= 1 << 30
	}
	got := numbers(syscallsX32)
	maps.DeleteFunc(got, func(_ string, n int) bool { n &^= 1 << 30; return n > newest && n < 512 })
	// The header of a kernel before 6.11 has a gap at 335, which was filled later.
	maps.DeleteFunc(got, func(name string, n int) bool { _, ok := want[name]; return !ok && (n == 1<<30|335 || n == 1<<30|336) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestErrnosEqualXSys(t *testing.T) {
	for _, arch := range []Arch{AMD64, ARM64, I386, ARM} {
		want := map[string]int{}
		for _, file := range []string{"zerrors_linux.go", "zerrors_linux_" + string(arch) + ".go"} {
			maps.Copy(want, definitions(t, filepath.Join(unixDir(t), file), `^(E\w+)\s*=\s*syscall\.Errno\((0x[0-9a-f]+)\)$`))
		}
		if diff := cmp.Diff(want, numbers(errnos)); diff != "" {
			t.Errorf("%s: %s", arch, diff)
		}
	}
}

func TestSocketNumbers(t *testing.T) {
	for name, want := range map[string]int{"unix": unix.AF_UNIX, "local": unix.AF_UNIX, "inet": unix.AF_INET, "inet6": unix.AF_INET6,
		"netlink": unix.AF_NETLINK, "packet": unix.AF_PACKET, "alg": unix.AF_ALG, "vsock": unix.AF_VSOCK, "mctp": unix.AF_MCTP, "decnet": unix.AF_DECnet} {
		if got, ok := AddressFamily(name); !ok || got != want {
			t.Errorf("AddressFamily(%s) = %d, %v; want %d", name, got, ok, want)
		}
	}
	for number := 1; number < unix.AF_MAX; number++ {
		if !slices.ContainsFunc(addressFamilies, func(e numbered) bool { return e.number == number }) {
			t.Errorf("no name for address family %d", number)
		}
	}
	for name, want := range map[string]int{"stream": unix.SOCK_STREAM, "dgram": unix.SOCK_DGRAM, "raw": unix.SOCK_RAW, "rdm": unix.SOCK_RDM,
		"seqpacket": unix.SOCK_SEQPACKET, "dccp": unix.SOCK_DCCP, "packet": unix.SOCK_PACKET} {
		got, ok := SocketType(name)
		if !ok || got != want {
			t.Errorf("SocketType(%s) = %d, %v; want %d", name, got, ok, want)
		}
		if got&SocketTypeMask != got || (unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)&SocketTypeMask != 0 {
			t.Errorf("SocketTypeMask does not separate %s from the flags", name)
		}
	}
}

func TestCapabilitiesEqualXSys(t *testing.T) {
	want := constants(t, "zerrors_linux.go", "CAP_")
	delete(want, "LAST_CAP")
	got := map[string]int{}
	for i, c := range Capabilities() {
		if c.Number != i {
			t.Errorf("%s has number %d at index %d", c.Name, c.Number, i)
		}
		got[c.Name] = c.Number
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(Capabilities()); n != unix.CAP_LAST_CAP+1 {
		t.Errorf("%d capabilities, want %d", n, unix.CAP_LAST_CAP+1)
	}
}
