// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// exitCode is that of a process that was waited for, -1 after a signal.
func exitCode(t testing.TB, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		t.Fatal(err)
	}
	return exit.ExitCode()
}

func TestInterrupt(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			exampleFolder(t)
			var stderr bytes.Buffer
			cmd := exec.Command("avert", "compile", "-", "-o", "out")
			cmd.Stderr = &stderr
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// More than a pipe holds: when it is written, the process is reading.
			if _, err := io.WriteString(stdin, strings.Repeat("# comment\n", 100_000)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, cmd.Wait()); code != 128+int(signal) || stderr.String() != "avert: interrupted\n" {
				t.Errorf("exit code %d, %q", code, &stderr)
			}
			if _, err := os.Stat("out"); err == nil {
				t.Error("something was written")
			}
		})
	}
}

// TestKill kills compilations at any time: the tree is that of the run before
// or that of the killed one.
func TestKill(t *testing.T) {
	exampleFolder(t)
	args := func(target string, more ...string) []string {
		return append([]string{"compile", "examples", "-o", "out", "--target", target}, more...)
	}
	if out, err := exec.Command("avert", args("securitycontext")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i := range 30 {
		target := []string{"ir,securitycontext", "securitycontext"}[i%2]
		cmd := exec.Command("avert", args(target, "--prune")...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(8_000)) * time.Microsecond)
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		whole := false
		for _, target := range []string{"ir,securitycontext", "securitycontext"} {
			whole = whole || exec.Command("avert", args(target, "--verify")...).Run() == nil
		}
		if !whole {
			t.Fatal("the tree is neither the old nor the new one")
		}
	}
}

// TestBrokenPipe writes to a pipe that nobody reads, as `avert ... | head`.
func TestBrokenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	var stderr bytes.Buffer
	cmd := exec.Command("avert", "schema", "policy")
	cmd.Stdout, cmd.Stderr = w, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGPIPE || stderr.Len() > 0 {
		t.Errorf("%v\n%s", err, &stderr)
	}
}

// TestDependencies holds that what only tests and generators need stays out.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"github.com/invopop/jsonschema", "github.com/santhosh-tekuri/jsonschema/v6", "testing", "pgregory.net/rapid"} {
		if strings.Contains("\n"+string(out), "\n"+unwanted+"\n") {
			t.Errorf("the command links %s", unwanted)
		}
	}
}

// BenchmarkCold runs the whole command on one policy; the metric is its
// processor time.
func BenchmarkCold(b *testing.B) {
	var used time.Duration
	b.Chdir(b.TempDir())
	policy := "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: a}\nspec: {selector: {}, file: {default: Allow}}\n"
	if err := os.WriteFile("a.yaml", []byte(policy), 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		cmd := exec.Command("avert", "compile", "a.yaml", "-o", "out")
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/op")
}
