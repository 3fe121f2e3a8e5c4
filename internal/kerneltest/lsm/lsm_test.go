// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	_ "embed"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/vm"
)

// TestUngoverned holds that without a policy every attempt reaches its effect: what fails then proves nothing.
func TestUngoverned(t *testing.T) {
	t.Parallel()
	vm.Matrix(t, func(t *testing.T, kernel string) {
		trials := trials(kernel)
		for i, o := range attempt(t, kernel, nil, trials) {
			if !o.Effect || o.Errno != 0 {
				t.Errorf("row %d, %s: effect %v, %v\n%s", trials[i].Row, trials[i].Name, o.Effect, syscall.Errno(o.Errno), o.Output)
			}
		}
	})
}

// trials are all attempts that a kernel can make, without policies.
func trials(kernel string) []Trial {
	var out []Trial
	at := slices.Index(vm.Kernels, kernel)
	for _, r := range Rows {
		for _, a := range r.Attempts {
			if slices.Index(vm.Kernels, a.Since) <= at && (a.Until == "" || at <= slices.Index(vm.Kernels, a.Until)) {
				out = append(out, Trial{Row: r.Number, Policy: r.Policy, Name: a.Name, Work: a.Work})
			}
		}
	}
	return out
}

// attempt has a guest make attempts, and returns their outcomes.
func attempt(t *testing.T, kernel string, files []vm.File, trials []Trial) []Outcome {
	t.Helper()
	programs, err := programs()
	needs.NoError(t, err)
	var job bytes.Buffer
	needs.NoError(t, gob.NewEncoder(&job).Encode(Job{Attempts: trials}))
	config := vm.Config{
		Kernel: kernel, CPUs: 2, MemoryMB: 1024, Timeout: 10 * time.Minute,
		// Up to 6.1 a program may be skipped where preemption is full.
		Append: "preempt=voluntary",
		Files:  slices.Concat(programs, files, []vm.File{{Guest: "/avert/attempts", Data: job.Bytes()}}),
	}
	r := vm.MustRun(t, config, "/tools/guest", "run", "/avert/attempts")
	if r.Code != 0 {
		t.Fatalf("the guest with kernel %s failed:\n%s\n%s", kernel, r.Output, r.Console)
	}
	mark := []byte("\n" + Mark)
	i := bytes.LastIndex(r.Output, mark)
	if i < 0 {
		t.Fatalf("the guest with kernel %s told no outcomes:\n%s", kernel, r.Output)
	}
	var outcomes []Outcome
	if err := json.Unmarshal(r.Output[i+len(mark):], &outcomes); err != nil || len(outcomes) != len(trials) {
		t.Fatalf("%d outcomes instead of %d: %v", len(outcomes), len(trials), err)
	}
	t.Logf("kernel %s: %d attempts in %v", kernel, len(trials), r.Wall.Round(100*time.Millisecond))
	return outcomes
}

var (
	//go:embed tool/tool.c
	toolSource []byte
	//go:embed tool/compat.c
	compatSource []byte
)

// programs builds what the guest runs, once in a process.
var programs = sync.OnceValues(func() ([]vm.File, error) {
	dir, err := os.MkdirTemp("", "avert-lsm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cc := []string{"gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-s", "-x", "c", "-", "-o"}
	bare := []string{"-static", "-no-pie", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pic"}
	var files []vm.File
	for name, command := range map[string]string{"guest": "./guest", "avert-node": "github.com/avert-dev/avert/cmd/avert-node"} {
		data, err := vm.Build(command)
		if err != nil {
			return nil, err
		}
		files = append(files, vm.File{Guest: "/tools/" + name, Data: data, Mode: 0o755})
	}
	for _, p := range []struct {
		name    string
		source  []byte
		command []string // without the file to write, its last argument
	}{
		{"tool", toolSource, append([]string{"gcc", "-static"}, cc[1:]...)},
		{"dynamic", toolSource, cc},
		{"compat64", compatSource, slices.Concat([]string{"gcc"}, bare, cc[1:])},
		{"compat32", compatSource, slices.Concat([]string{"gcc", "-m32"}, bare, cc[1:])},
	} {
		if _, err := exec.LookPath(p.command[0]); err != nil {
			return nil, &needs.Unavailable{Reason: "needs the program " + p.command[0] + ", to build what a guest runs"}
		}
		out := filepath.Join(dir, p.name)
		cmd := exec.Command(p.command[0], append(slices.Clone(p.command[1:]), out)...)
		cmd.Stdin = bytes.NewReader(p.source)
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, text)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			return nil, err
		}
		files = append(files, vm.File{Guest: "/tools/" + p.name, Data: data, Mode: 0o755})
	}
	libraries, err := vm.Program(filepath.Join(dir, "dynamic"))
	if err != nil {
		return nil, err
	}
	for _, f := range libraries[1:] { // the program itself is there already
		data, err := os.ReadFile(f.Host)
		if err != nil {
			return nil, err
		}
		files = append(files, vm.File{Guest: f.Guest, Data: data, Mode: 0o755})
	}
	return files, nil
})
