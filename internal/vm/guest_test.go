// SPDX-License-Identifier: Apache-2.0

//go:build guest

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// What a guest can: TestGuest runs these, with two processors.
func TestGuestHasWhatItWasGiven(t *testing.T) {
	if os.Getpid() == 1 || os.Geteuid() != 0 || os.Getenv("GIVEN") != "it's\n$HOME" {
		t.Errorf("process %d of user %d with %q", os.Getpid(), os.Geteuid(), os.Getenv("GIVEN"))
	}
	if runtime.NumCPU() != 2 {
		t.Errorf("%d processors", runtime.NumCPU())
	}
	if out, err := exec.Command("runc", "--version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "runc version") {
		t.Errorf("runc: %v\n%s", err, out)
	}
}

func TestGuestPrintsOddBytes(t *testing.T) {
	for _, name := range []string{"a/b", "ä \x01", "same", "same"} {
		t.Run(name, func(t *testing.T) {
			fmt.Print("no newline, \x00\xff\r\n--- FAIL: TestGuestPrintsOddBytes (0.00s)\nFAIL\navert-exit- 3\n", strings.Repeat("x", 1_000))
		})
	}
}

// How tests end that do not pass: TestGuestFailures runs these one by one.
func TestEndFailed(t *testing.T) {
	t.Run("below", func(t *testing.T) { t.Error("the reason") })
}

func TestEndSkipped(t *testing.T) { t.Skip("the reason") }

func TestEndPanicked(*testing.T) { panic("the reason") }

func TestEndExited(*testing.T) { os.Exit(0) }

func TestEndKilled(*testing.T) {
	p, err := os.FindProcess(os.Getpid())
	if err != nil {
		panic(err)
	}
	p.Kill()
	select {}
}
