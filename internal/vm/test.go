// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

// Test runs tests of the calling package in a guest: those whose names match the regular expression, which are functions
// in files with the build constraint guest. Each becomes a subtest of t, with its own subtests; one that is skipped in the
// guest is something that the machine lacks. A guest that does not run exactly what it should is a failure.
func Test(t *testing.T, config Config, run string) {
	t.Helper()
	program, err := guestProgram()
	needs.NoError(t, err)
	expected, err := program.matching(run)
	needs.NoError(t, err)

	config.Files = append(slices.Clone(config.Files), File{Guest: "/avert/test", Data: program.data, Mode: 0o755})
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	// A test that hangs shows where, before the guest is ended from outside.
	limit := fmt.Sprint("-test.timeout=", config.Timeout*3/4)
	r := MustRun(t, config, "/avert/test", "-test.run="+run, "-test.v=test2json", "-test.paniconexit0", limit)
	results, err := parse(t.Context(), r.Output, r.Code)
	needs.NoError(t, err)
	for _, child := range results.children {
		child.replay(t)
	}
	if err := results.check(expected, r.Code); err != nil {
		t.Errorf("%v\n%s", err, results.output.String())
	}
	if t.Failed() {
		t.Logf("the end of the console of kernel %s:\n%s", config.Kernel, tail(r.Console))
	}
}

// program is the test program of a package for guests.
type program struct {
	data  []byte
	names []string
}

// guestProgram builds the test program of the package whose tests run, once in a process.
var guestProgram = sync.OnceValues(func() (program, error) {
	dir, err := os.MkdirTemp("", "avert-guest-test-")
	if err != nil {
		return program{}, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "test")
	if err := build(path, ".", "test", "-c", "-vet=off", "-tags=guest"); err != nil {
		return program{}, err
	}
	list, err := exec.Command(path, "-test.list=.").Output()
	if err != nil {
		return program{}, fmt.Errorf("list the tests for the guest: %w", err)
	}
	data, err := os.ReadFile(path)
	return program{data, strings.Fields(string(list))}, err
})

// matching returns the tests that a guest is to run.
func (p program) matching(run string) ([]string, error) {
	pattern, err := regexp.Compile(run)
	if err != nil || strings.Contains(run, "/") {
		return nil, errors.Join(fmt.Errorf("%q is not a regular expression for names of functions", run), err)
	}
	names := slices.DeleteFunc(slices.Clone(p.names), func(name string) bool {
		return strings.HasPrefix(name, "Benchmark") || !pattern.MatchString(name)
	})
	if len(names) == 0 {
		return nil, fmt.Errorf("no test of the package matches %q; do their files begin with //go:build guest?", run)
	}
	return names, nil
}
