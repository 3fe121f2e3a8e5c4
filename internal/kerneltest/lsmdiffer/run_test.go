// SPDX-License-Identifier: Apache-2.0

package lsmdiffer

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/vm"
)

// run has a guest do a job, and returns the outcomes of its steps.
func run(t *testing.T, kernel string, j *job) []Outcome {
	t.Helper()
	programs, err := built()
	needs.NoError(t, err)
	var data bytes.Buffer
	needs.NoError(t, gob.NewEncoder(&data).Encode(j.Job))
	config := vm.Config{
		Kernel: kernel, CPUs: 1, MemoryMB: 1024, Timeout: 10 * time.Minute,
		// Up to 6.1 a program may be skipped where preemption is full.
		Append: "preempt=voluntary",
		Files:  slices.Concat(programs, j.files, []vm.File{{Guest: "/avert/job-of-containers", Data: data.Bytes()}}),
	}
	r := vm.MustRun(t, config, "/tools/guest", "/avert/job-of-containers")
	if r.Code != 0 {
		t.Fatalf("the guest with kernel %s failed:\n%s\n%s", kernel, r.Output, r.Console)
	}
	said, line, found := bytes.Cut(r.Output, []byte("\n"+Mark))
	if !found {
		t.Fatalf("the guest with kernel %s told no outcomes:\n%s", kernel, r.Output)
	}
	var outcomes []Outcome
	packed, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line)))
	needs.NoError(t, err)
	needs.NoError(t, gob.NewDecoder(flate.NewReader(bytes.NewReader(packed))).Decode(&outcomes))
	if len(outcomes) != len(j.steps) {
		t.Fatalf("%d outcomes instead of %d", len(outcomes), len(j.steps))
	}
	t.Logf("kernel %s: %v altogether, %s", kernel, r.Wall.Round(100*time.Millisecond), said)
	return outcomes
}

//go:embed worker/worker.c
var workerSource []byte

// built builds what the guest runs, once in a process.
var built = sync.OnceValues(func() ([]vm.File, error) {
	guest, err := vm.Build("github.com/avert-dev/avert/internal/kerneltest/lsmdiffer/guest")
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		return nil, &needs.Unavailable{Reason: "needs the program gcc, to build the programs of containers"}
	}
	dir, err := os.MkdirTemp("", "avert-lsmdiffer-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "worker")
	cmd := exec.Command("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-s", "-static", "-no-pie", "-nostdlib", "-ffreestanding",
		"-fno-stack-protector", "-fno-pic", "-x", "c", "-", "-o", path)
	cmd.Stdin = bytes.NewReader(workerSource)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, text)
	}
	worker, err := os.ReadFile(path)
	return []vm.File{{Guest: "/tools/guest", Data: guest, Mode: 0o755}, {Guest: "/tools/worker", Data: worker, Mode: 0o755}}, err
})
