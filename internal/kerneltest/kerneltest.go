// SPDX-License-Identifier: Apache-2.0

// Package kerneltest has real processes carry out operations under real policies, in the kernels of package vm, and says what
// the kernel did: it is how tests find out what a profile means. It is for tests alone. It decides nothing itself: what
// should have happened is the business of those who use it.
package kerneltest

import (
	"bytes"
	_ "embed"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/internal/kerneltest/wire"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/vm"
)

// What cases consist of; see package wire, which also has the operations and the kinds of files.
type (
	Case    = wire.Case
	Step    = wire.Step
	File    = wire.File
	Outcome = wire.Outcome
)

// Run boots a kernel with AppArmor, runs the cases one after another and returns their outcomes by case and step. It ends
// the test when something else than an operation goes wrong. One boot takes about 3 s, a step about 4 ms, and a
// Start or a policy a few more.
func Run(t testing.TB, kernel string, cases []Case) [][]Outcome {
	t.Helper()
	return run(t, vm.Config{Kernel: kernel, LSM: vm.AppArmor}, wire.Job{Cases: cases}).Outcomes
}

// RunContainer is Run in a container of runc: each Start runs it anew, with the first of its arguments, which must be the
// Path of the Start, as program; its root is "rootfs". Who enters which profile is then the business of the container's configuration.
// selinux is the policy to enforce if that is the security module.
func RunContainer(t testing.TB, config vm.Config, selinux []byte, container *specs.Spec, cases []Case) [][]Outcome {
	t.Helper()
	return runContainer(t, config, container, wire.Job{Cases: cases, SELinux: selinux}).Outcomes
}

func runContainer(t testing.TB, config vm.Config, container *specs.Spec, job wire.Job) wire.Result {
	t.Helper()
	runc := needs.Tool(t, "runc")
	files, err := vm.Program(runc)
	needs.NoError(t, err)
	encoded, err := json.Marshal(container)
	needs.NoError(t, err)
	config.Files = append(slices.Concat(config.Files, files),
		vm.File{Guest: wire.Bundle + "/config.json", Data: encoded},
		vm.File{Guest: wire.Root, Mode: fs.ModeDir | 0o755})
	job.Runc = []string{runc, "run", "--bundle", wire.Bundle, "test"}
	return run(t, config, job)
}

func run(t testing.TB, config vm.Config, job wire.Job) wire.Result {
	t.Helper()
	cases, steps, kernel := job.Cases, 0, config.Kernel
	for _, c := range cases {
		steps += len(c.Steps)
		if len(c.Steps) > 0 && c.Steps[0].Op != wire.Start {
			t.Fatalf("a case begins with %q instead of %q", c.Steps[0].Op, wire.Start)
		}
	}
	built, err := programs()
	needs.NoError(t, err)
	job.Program, job.Dynamic, job.Loader = built.job.Program, built.job.Dynamic, built.job.Loader
	var encoded bytes.Buffer
	needs.NoError(t, gob.NewEncoder(&encoded).Encode(job))
	config.Files = append(slices.Clone(config.Files),
		vm.File{Guest: "/avert/cases", Data: encoded.Bytes()},
		vm.File{Guest: "/avert/guest", Data: built.guest, Mode: 0o755})
	config.Timeout = 3*time.Minute + time.Duration(len(cases)+steps)*50*time.Millisecond
	r := vm.MustRun(t, config, "unshare", "-m", "/avert/guest", "/avert/cases")
	if r.Code != 0 {
		t.Fatalf("the guest with kernel %s failed:\n%s\n%s", kernel, r.Output, r.Console)
	}
	result, err := parse(r.Output, cases)
	if err != nil {
		t.Fatalf("kernel %s: %v:\n%s", kernel, err, r.Output)
	}
	t.Logf("kernel %s: %d cases with %d steps in %v", kernel, len(cases), steps, r.Wall.Round(100*time.Millisecond))
	return result
}

// parse reads the result in the output of a guest, which must have the outcomes of all steps.
func parse(output []byte, cases []Case) (result wire.Result, err error) {
	mark := []byte("\n" + wire.ResultMark)
	i := bytes.LastIndex(output, mark)
	if i < 0 {
		return result, fmt.Errorf("the guest told no outcomes")
	}
	if err := json.Unmarshal(output[i+len(mark):], &result); err != nil {
		return result, fmt.Errorf("the outcomes are damaged: %w", err)
	}
	outcomes := result.Outcomes
	if len(outcomes) != len(cases) {
		return result, fmt.Errorf("outcomes of %d cases instead of %d", len(outcomes), len(cases))
	}
	for i := range cases {
		if len(outcomes[i]) != len(cases[i].Steps) {
			return result, fmt.Errorf("case %d has %d outcomes instead of %d", i, len(outcomes[i]), len(cases[i].Steps))
		}
	}
	return result, nil
}

// Unconfined returns the cases without any policy. What fails in them says nothing about a policy.
func Unconfined(cases []Case) []Case {
	out := slices.Clone(cases)
	for i := range out {
		out[i].Blobs, out[i].Profile, out[i].NoNewPrivs = nil, "", false
	}
	return out
}

// Compile returns the binary policy that apparmor_parser makes of the text of profiles for a kernel.
func Compile(t testing.TB, kernel, profiles string) []byte {
	t.Helper()
	parser := needs.Tool(t, "apparmor_parser")
	features, err := above(filepath.Join("testdata", "apparmor", "features."+kernel))
	needs.NoError(t, err)
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "profiles"), filepath.Join(dir, "binary")
	needs.NoError(t, os.WriteFile(source, []byte(profiles), 0o600))
	cmd := exec.CommandContext(t.Context(), parser, "-QK", "--kernel-features", features, "-o", binary, source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("apparmor_parser for kernel %s: %v\n%s\n%s", kernel, err, out, profiles)
	}
	data, err := os.ReadFile(binary)
	needs.NoError(t, err)
	return data
}

// above finds a file of the repository by its path from the root.
func above(path string) (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, path)
		if _, missing := os.Stat(file); missing == nil {
			return file, nil
		} else if dir == filepath.Dir(dir) {
			err = missing
		}
	}
	return "", err
}

// built are the programs of the guest.
type built struct {
	guest []byte
	job   wire.Job // without cases
}

//go:embed probe/probe.c
var probeSource []byte

// programs builds them, once in a process.
var programs = sync.OnceValues(func() (b built, err error) {
	if b.guest, err = build("go", "build", "-o", "OUT", "github.com/avert-dev/avert/internal/kerneltest/guest"); err != nil {
		return b, err
	}
	cc := []string{"-std=gnu2x", "-Wall", "-Wextra", "-Werror", "-O2", "-s", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-o", "OUT", "-x", "c", "-"}
	if b.job.Program, err = build("gcc", append(cc, "-static", "-no-pie")...); err != nil {
		return b, err
	}
	if b.job.Dynamic, err = build("gcc", append(cc, "-fpie", "-pie", "-Wl,--dynamic-linker="+wire.LoaderPath)...); err != nil {
		return b, err
	}
	if b.job.Loader, err = os.ReadFile(wire.LoaderPath); err != nil {
		return b, &needs.Unavailable{Reason: "needs the dynamic loader " + wire.LoaderPath}
	}
	return b, nil
})

// build runs a compiler that reads the probe from its standard input, and returns the file that it writes as OUT.
func build(compiler string, arguments ...string) ([]byte, error) {
	if _, err := exec.LookPath(compiler); err != nil {
		return nil, &needs.Unavailable{Reason: "needs the program " + compiler + ", to build what a guest runs"}
	}
	dir, err := os.MkdirTemp("", "avert-kerneltest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "program")
	arguments = slices.Clone(arguments)
	arguments[slices.Index(arguments, "OUT")] = out
	cmd := exec.Command(compiler, arguments...)
	cmd.Stdin = bytes.NewReader(probeSource)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, text)
	}
	return os.ReadFile(out)
}
