// SPDX-License-Identifier: Apache-2.0

// Package needs says what a test needs from the machine that runs it. Where the machine has less, the test is skipped
// with a reason in words; where AVERT_NO_SKIP is set, as in CI, it fails instead, so that nothing goes untested unseen.
// It is for tests alone.
package needs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Root ends the test unless it runs as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "needs root")
	}
}

// Tool returns the absolute path of a program from PATH or from the repository's .tools/bin, which `make test` fills.
// It ends the test when there is none.
func Tool(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		if path, err = filepath.Abs(path); err == nil {
			return path
		}
	}
	if dir, err := os.Getwd(); err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if path, err := exec.LookPath(filepath.Join(dir, ".tools", "bin", name)); err == nil {
				return path
			}
		}
	}
	Missing(t, "needs the program "+name+"; make test installs it")
	return ""
}

// Unavailable is the error of a helper for tests when the machine lacks something; Reason says in words what.
type Unavailable struct{ Reason string }

func (e *Unavailable) Error() string { return e.Reason }

// NoError ends the test unless err is nil: as Missing does when the error is an Unavailable, as a failure otherwise.
func NoError(t testing.TB, err error) {
	t.Helper()
	var unavailable *Unavailable
	switch {
	case errors.As(err, &unavailable):
		Missing(t, err.Error())
	case err != nil:
		t.Fatal(err)
	}
}

// Missing ends the test for a reason that stands in words: a skip, or a failure where AVERT_NO_SKIP is set.
func Missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("AVERT_NO_SKIP") != "" {
		t.Fatalf("%s (a failure, because AVERT_NO_SKIP is set)", reason)
	}
	t.Skip(reason)
}
