// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"avert": main})
}

// TestScripts runs testdata/cli. Beside the commands of testscript there are:
//
//	exits CODE PROGRAM [ARG...]  runs a program, which must exit with the code
//	mount DIR                    a file system of its own, of 256 KiB
//	fill FILE                    writes until the file system is full
//	remount DIR                  makes it read-only
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/cli",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("AVERT_UPDATE") != "",
		Setup:               setup,
		Condition: func(word string) (bool, error) {
			if word != "root" {
				return false, errors.New("unknown condition " + word)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "mount": mount, "fill": fill, "remount": remount},
	})
}

// setup ends the search for a configuration at the working folder, and lets
// other users in.
func setup(env *testscript.Env) error {
	env.Values[testKey{}] = env.T()
	avert, err := exec.LookPath("avert")
	if err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(env.WorkDir), env.WorkDir, filepath.Dir(avert), filepath.Dir(filepath.Dir(avert))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(env.WorkDir, ".git"), 0o755)
}

// testKey finds the test of a script.
type testKey struct{}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
