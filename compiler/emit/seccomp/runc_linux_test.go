// SPDX-License-Identifier: Apache-2.0

package seccomp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/internal/needs"
)

// call is one system call in the container and the error number it must give;
// anyError stands for one that depends on the kernel but is not the filter's.
type call struct {
	name string
	args []uint64
	want int
}

const (
	eperm  = 1
	eacces = 13
	einval = 22
	enosys = 38
)

// TestRunc runs containers with the profiles that policies compile to: the
// profile is what runc, libseccomp and the kernel make of it.
func TestRunc(t *testing.T) {
	needs.Root(t)
	runc := needs.Tool(t, "runc")
	probe := build(t, "amd64")
	for _, c := range []struct {
		name     string
		syscalls string
		calls    []call
	}{
		{
			//proves:seccomp floor
			name:     "the floor alone",
			syscalls: `{default: Allow}`,
			calls: []call{
				{"getpid", nil, 0},
				{"personality", []uint64{0xffffffff}, 0},
				{"personality", []uint64{0x40000}, eperm},
				{"add_key", nil, eperm},
				{"unshare", []uint64{0x10000000}, eperm},
				{"clone3", nil, enosys},
			},
		},
		{
			//proves:seccomp syscalls/block
			name:     "a blocked call gives the errno of the rule",
			syscalls: `{default: Allow, rules: [{name: a, action: Block, names: [getcpu]}, {name: b, action: Block, names: [getppid], errno: EACCES}]}`,
			calls:    []call{{"getcpu", nil, eperm}, {"getppid", nil, eacces}, {"getpid", nil, 0}},
		},
		{
			//proves:seccomp syscalls/arguments
			name:     "an argument decides",
			syscalls: `{default: Allow, rules: [{name: netlink, action: Block, names: [socket], args: [{index: 0, op: eq, value: 16}]}]}`,
			calls:    []call{{"socket", []uint64{1, 1}, 0}, {"socket", []uint64{16, 3}, eperm}, {"socket", []uint64{16, 1}, eperm}},
		},
		{
			//proves:seccomp syscalls/arguments
			name: "a Block with arguments beside an Allow of the call",
			syscalls: `{default: Allow, rules: [{name: all, action: Allow, names: [getpriority]},
              {name: user, action: Block, names: [getpriority], errno: ENOSYS, args: [{index: 0, op: eq, value: 2}]}]}`,
			calls: []call{{"getpriority", []uint64{0, 0}, 0}, {"getpriority", []uint64{2, 0}, enosys}},
		},
		{
			//proves:seccomp syscalls/arguments
			name: "two conditions on one argument are both meant",
			syscalls: `{default: Allow, rules: [{name: range, action: Block, names: [getpriority], errno: EACCES,
              args: [{index: 1, op: ge, value: 100}, {index: 1, op: lt, value: 0x100000000}]}]}`,
			calls: []call{
				{"getpriority", []uint64{9, 99}, einval}, {"getpriority", []uint64{9, 100}, eacces}, {"getpriority", []uint64{9, 0xffffffff}, eacces},
				{"getpriority", []uint64{9, 1 << 32}, einval}, {"getpriority", []uint64{9, 1<<32 + 500}, eacces}, // an int: 500
			},
		},
		{
			//proves:seccomp syscalls/arguments
			name: "bits of an argument, and several arguments",
			syscalls: `{default: Allow, rules: [{name: bits, action: Block, names: [getpriority], errno: EACCES,
              args: [{index: 1, op: maskedEq, mask: 0x11, value: 0x10}, {index: 0, op: ne, value: 8}]}]}`,
			calls: []call{
				{"getpriority", []uint64{9, 0x10}, eacces}, {"getpriority", []uint64{9, 0x32}, eacces}, {"getpriority", []uint64{9, 0x11}, einval},
				{"getpriority", []uint64{9, 0}, einval}, {"getpriority", []uint64{8, 0x10}, einval},
			},
		},
		{
			//proves:seccomp syscalls/audit
			name:     "Audit lets pass",
			syscalls: `{default: Allow, rules: [{name: a, action: Audit, names: [getppid]}]}`,
			calls:    []call{{"getppid", nil, 0}, {"add_key", nil, eperm}},
		},
		{
			//proves:seccomp syscalls/default-block syscalls/allow
			name: "an allow-list without the floor",
			syscalls: `{default: Block, base: None, rules: [{name: needed, action: Allow, names: [` + strings.Join(allowList, ", ") + `]},
              {name: personality, action: Allow, names: [personality], args: [{index: 0, op: eq, value: 0xffffffff}]}]}`,
			calls: []call{{"getpid", nil, 0}, {"getcpu", nil, eperm}, {"personality", []uint64{0xffffffff}, 0}, {"personality", []uint64{8}, eperm}},
		},
		{
			//proves:seccomp syscalls/default-block floor
			name:     "default Block keeps the base",
			syscalls: `{default: Block, rules: [{name: a, action: Block, names: [getppid]}]}`,
			calls:    []call{{"getpid", nil, 0}, {"getppid", nil, eperm}, {"getcpu", nil, 0}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, runc, probe, profileOf(t, c.syscalls), c.calls, linux.AMD64)
		})
	}
}

// TestRunc32 runs a 32-bit program: a rule holds for it too, also about the
// calls that 32-bit programs use in place of others.
func TestRunc32(t *testing.T) {
	needs.Root(t)
	runc := needs.Tool(t, "runc")
	probe := build(t, "386")
	if err := exec.Command(probe).Run(); err != nil {
		needs.Missing(t, "a kernel that runs 32-bit programs")
	}
	profile := profileOf(t, `{default: Allow, rules: [{name: a, action: Block, names: [chown, getppid], errno: EACCES}]}`)
	check(t, runc, probe, profile, []call{{"getpid", nil, 0}, {"getppid", nil, eacces}, {"chown", nil, eacces}, {"chown32", nil, eacces}, {"add_key", nil, eperm}}, linux.I386)
}

// allowList is what the runtime needs to start the probe, and what the probe,
// a Go program, needs itself.
var allowList = func() []string {
	out := strings.Fields(`arch_prctl brk clone epoll_create1 eventfd2 exit exit_group mprotect pipe2 prlimit64 readlinkat
	  sched_getaffinity set_robust_list set_tid_address uname`)
	for _, c := range floor.InitCalls(false) {
		out = append(out, c.Name)
	}
	return out
}()

// profileOf compiles a policy with the given syscalls section.
func profileOf(t *testing.T, syscalls string) *specs.LinuxSeccomp {
	t.Helper()
	text := `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: p, namespace: n}
spec:
  selector: {}
  syscalls: ` + syscalls + `
  accept: [{rule: syscalls/base, reason: tested without the floor}]
`
	r := compiler.Compile(compiler.Input{Files: []*diag.File{diag.NewFile("policy.yaml", []byte(text))}, Targets: []string{"seccomp"}})
	if r.HasErrors() {
		var b bytes.Buffer
		diag.Printer{}.Print(&b, r.Findings)
		t.Fatal(b.String())
	}
	for _, f := range r.Files {
		if f.Path == "nodes/seccomp/n-p.json" {
			var profile specs.LinuxSeccomp
			if err := json.Unmarshal(f.Data, &profile); err != nil {
				t.Fatal(err)
			}
			return &profile
		}
	}
	t.Fatal("no profile")
	return nil
}

// build builds the probe as a static program.
func build(t *testing.T, goarch string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "probe")
	cmd := exec.Command("go", "build", "-o", out, "./testdata/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+goarch)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// check runs the probe in a container and compares the error numbers.
func check(t *testing.T, runc, probe string, profile *specs.LinuxSeccomp, calls []call, arch linux.Arch) {
	t.Helper()
	args := []string{"/probe"}
	for _, c := range calls {
		nr, ok := linux.Syscall(arch, c.name)
		if !ok {
			t.Fatalf("%s has no %s", arch, c.name)
		}
		arg := strconv.Itoa(nr)
		for _, a := range c.args {
			arg += "," + strconv.FormatUint(a, 10)
		}
		args = append(args, arg)
	}
	out := run(t, runc, probe, profile, args)
	got := strings.Fields(out)
	if len(got) != len(calls) {
		t.Fatalf("the container printed %q", out)
	}
	for i, c := range calls {
		if got[i] != strconv.Itoa(c.want) {
			t.Errorf("%s%v: errno %s, want %d", c.name, c.args, got[i], c.want)
		}
	}
}

// run runs a container that holds nothing but the probe.
func run(t *testing.T, runc, probe string, profile *specs.LinuxSeccomp, args []string) string {
	t.Helper()
	bundle := t.TempDir()
	root := filepath.Join(bundle, "rootfs")
	for _, dir := range []string{"", "proc", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile(probe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "probe"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: "rootfs"},
		Process: &specs.Process{Args: args, Cwd: "/", NoNewPrivileges: true, Env: []string{"GODEBUG=asyncpreemptoff=1"}},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755"}},
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace}, {Type: specs.MountNamespace}, {Type: specs.IPCNamespace}, {Type: specs.NetworkNamespace}},
			Seccomp:    profile,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("avert-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	cmd := exec.Command(runc, "--root", filepath.Join(bundle, "state"), "run", "--bundle", bundle, id)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Run(); err != nil {
		t.Fatalf("runc: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	return stdout.String()
}
