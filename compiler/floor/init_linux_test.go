// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/internal/needs"
)

const exitCode = 7

// exiter is a static amd64 program that makes one system call, exit(exitCode).
func exiter() []byte {
	const base, size = 0x400000, 64 + 56
	code := []byte{0xb8, 60, 0, 0, 0, 0xbf, exitCode, 0, 0, 0, 0x0f, 0x05} // mov eax, 60; mov edi, 7; syscall
	le := binary.LittleEndian
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	b = le.AppendUint16(b, 2)         // ET_EXEC
	b = le.AppendUint16(b, 62)        // EM_X86_64
	b = le.AppendUint32(b, 1)         // EV_CURRENT
	b = le.AppendUint64(b, base+size) // entry
	b = le.AppendUint64(b, 64)        // program headers
	b = le.AppendUint64(b, 0)         // section headers
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, 1, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1) // PT_LOAD
	b = le.AppendUint32(b, 5) // PF_R | PF_X
	for _, v := range []uint64{0, base, base, uint64(size + len(code)), uint64(size + len(code)), 0x1000} {
		b = le.AppendUint64(b, v)
	}
	return append(b, code...)
}

// start runs the exiter in a container under a filter that allows the names, and
// says whether it got to its end. Any other call kills: runc waits forever for an
// init that cannot tell that it failed.
func start(t *testing.T, runc string, noNewPrivileges bool, names []string) (ok bool, output string) {
	t.Helper()
	bundle := t.TempDir()
	for _, dir := range []string{"rootfs/proc", "rootfs/tmp"} {
		if err := os.MkdirAll(filepath.Join(bundle, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(bundle, "rootfs", "exiter"), exiter(), 0o755); err != nil {
		t.Fatal(err)
	}
	capabilities := []string{"CAP_KILL", "CAP_SETUID"}
	config, err := json.Marshal(specs.Spec{
		Version: "1.0.2",
		Root:    &specs.Root{Path: filepath.Join(bundle, "rootfs")},
		Process: &specs.Process{
			Args: []string{"exiter"}, Env: []string{"PATH=/"}, Cwd: "/tmp", NoNewPrivileges: noNewPrivileges,
			User:         specs.User{UID: 1000, GID: 1000, AdditionalGids: []uint32{5}},
			Capabilities: &specs.LinuxCapabilities{Bounding: capabilities, Permitted: capabilities, Effective: capabilities},
		},
		Mounts: []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace}, {Type: specs.MountNamespace}},
			Seccomp: &specs.LinuxSeccomp{
				DefaultAction: specs.ActKillProcess,
				Architectures: []specs.Arch{specs.ArchX86_64},
				Syscalls:      []specs.LinuxSyscall{{Names: names, Action: specs.ActAllow}},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(runc, "--root", filepath.Join(bundle, "state"), "run", "--bundle", bundle, "c")
	out, err := run.CombinedOutput()
	if err != nil { // also the exiter's own end; then nothing is left to delete
		_ = exec.Command(runc, "--root", filepath.Join(bundle, "state"), "delete", "--force", "c").Run()
	}
	return run.ProcessState.ExitCode() == exitCode, fmt.Sprintf("%v: %s", err, out)
}

func names(calls []InitCall) []string {
	var names []string
	for _, c := range calls {
		names = append(names, c.Name)
	}
	return names
}

func TestInitCallsStartAContainer(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		needs.Missing(t, "needs amd64, this is "+runtime.GOARCH)
	}
	needs.Root(t)
	runc := needs.Tool(t, "runc")
	for _, noNewPrivileges := range []bool{true, false} {
		t.Run(fmt.Sprintf("no_new_privs %v", noNewPrivileges), func(t *testing.T) {
			allowed := append(names(InitCalls(noNewPrivileges)), "exit")
			for range 10 { // what Go's scheduler needs differs from start to start
				if ok, output := start(t, runc, noNewPrivileges, allowed); !ok {
					t.Fatalf("the container does not start: %s", output)
				}
			}
			missing := "getdents64"
			if !noNewPrivileges {
				missing = "setuid"
			}
			if ok, _ := start(t, runc, noNewPrivileges, slices.DeleteFunc(allowed, func(name string) bool { return name == missing })); ok {
				t.Errorf("the container starts without %s", missing)
			}
		})
	}
}

func TestInitCallsExistOnEveryNode(t *testing.T) {
	for _, noNewPrivileges := range []bool{true, false} {
		calls := InitCalls(noNewPrivileges)
		list := names(calls)
		if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("not a sorted set: %v", list)
		}
		for _, c := range calls {
			for _, arch := range linux.NodeArches() {
				if _, ok := linux.Syscall(arch, c.Name); !ok {
					t.Errorf("%s has no %s", arch, c.Name)
				}
			}
			if strings.TrimSpace(c.Reason) == "" {
				t.Errorf("%s: no reason", c.Name)
			}
		}
	}
	if with, without := names(InitCalls(true)), names(InitCalls(false)); !containsAll(without, with) {
		t.Errorf("no_new_privs needs more than its absence")
	}
}

func containsAll(set, subset []string) bool {
	return !slices.ContainsFunc(subset, func(name string) bool { return !slices.Contains(set, name) })
}

// TestDefaultProfilesStartAContainer holds that no default profile lacks what
// its runtime needs.
func TestDefaultProfilesStartAContainer(t *testing.T) {
	for _, name := range Runtimes() {
		version := map[string]string{"containerd": "2.1", "cri-o": "1.34"}[name]
		defaults, err := Capabilities(name, version)
		if err != nil {
			t.Fatal(err)
		}
		for _, arch := range linux.NodeArches() {
			p, err := Seccomp(Query{Runtime: name, Version: version, Arch: arch, Kernel: linux.KernelVersion{Major: 5, Minor: 10}, Capabilities: defaults})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range InitCalls(false) {
				if v, err := Decide(&p.Seccomp, c.Name, [6]uint64{}); err != nil || !v.Allows() {
					t.Errorf("%s on %s refuses %s: %v, %v", name, arch, c.Name, v, err)
				}
			}
		}
	}
}
