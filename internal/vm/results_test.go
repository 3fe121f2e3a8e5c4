// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

func TestGuest(t *testing.T) {
	t.Parallel()
	runc, err := Program(needs.Tool(t, "runc"))
	if err != nil {
		t.Fatal(err)
	}
	Test(t, Config{Kernel: fastest, CPUs: 2, Env: []string{"GIVEN=it's\n$HOME"}, Files: runc}, "^TestGuest(Has|Prints)")
}

// TestGuestEnds runs tests in a guest that do not pass, and holds what is found out about each.
func TestGuestEnds(t *testing.T) {
	t.Parallel()
	program, err := guestProgram()
	needs.NoError(t, err)
	tests := []struct {
		name, ended, said, problem string
		code                       int
	}{
		{name: "TestEndFailed", ended: "fail", code: 1, said: "the reason"},
		{name: "TestEndSkipped", ended: "skip", said: "the reason"},
		{name: "TestEndPanicked", ended: "fail", code: 2, said: "the reason"},
		{name: "TestEndExited", ended: "fail", code: 2, said: "unexpected call to os.Exit(0)"},
		{name: "TestEndKilled", problem: "TestEndKilled has 0 results", code: 137},
	}
	var script strings.Builder
	for _, test := range tests {
		fmt.Fprintf(&script, "sh -c '/t -test.run=^%s$ -test.v=test2json -test.paniconexit0'; echo \"=END=$?=END=\"\n", test.name)
	}
	r := MustRun(t, Config{Kernel: fastest, Files: []File{{Guest: "/t", Data: program.data, Mode: 0o755}}}, "sh", "-c", script.String())
	parts := strings.Split(string(r.Output), "=END=")
	if len(parts) != 2*len(tests)+1 {
		t.Fatalf("%d parts:\n%s", len(parts), r.Output)
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			output := parts[2*i]
			if parts[2*i+1] != strconv.Itoa(test.code) {
				t.Fatalf("exit code %s\n%s", parts[2*i+1], output)
			}
			got, err := parse(t.Context(), []byte(output), test.code)
			if err != nil {
				t.Fatal(err)
			}
			problem := got.check([]string{test.name}, test.code)
			if (problem == nil) != (test.problem == "") || problem != nil && !strings.Contains(problem.Error(), test.problem) {
				t.Errorf("%v\n%s", problem, output)
			}
			if child := got.children[0]; strings.Join(child.ended, ",") != test.ended || !strings.Contains(output, test.said) {
				t.Errorf("ended %v\n%s", child.ended, output)
			}
		})
	}
}

func TestGuestNothing(t *testing.T) {
	program, err := guestProgram()
	needs.NoError(t, err)
	for _, run := range []string{"^TestNothing$", "TestGuest/sub", "("} {
		if names, err := program.matching(run); err == nil {
			t.Errorf("%q: %v", run, names)
		}
	}
}

// TestResults holds what results of a guest are not believed.
func TestResults(t *testing.T) {
	const ran = "\x16=== RUN   TestA\n"
	for _, test := range []struct {
		name, output string
		code         int
		problem      string
	}{
		{"passed", ran + "\x16--- PASS: TestA (1.25s)\n\x16PASS\n", 0, ""},
		{"passed in the middle of a line", ran + "text\x16--- PASS: TestA (1.25s)\n\x16PASS\n", 0, ""},
		{"nothing ran", "testing: warning: no tests to run\nPASS\n", 0, "TestA did not run"},
		{"no output", "", 0, "TestA did not run"},
		{"passed, exit code", ran + "\x16--- PASS: TestA (1.25s)\n\x16PASS\n", 2, "exit code 2"},
		{"failed, exit code", ran + "\x16--- FAIL: TestA (1.25s)\n\x16FAIL\n", 0, "exit code 0"},
		{"another", ran + "\x16--- PASS: TestA (1.25s)\n\x16=== RUN   TestB\n\x16--- PASS: TestB (1.25s)\n\x16PASS\n", 0, "TestB ran in the guest and is none"},
		{"twice", ran + "\x16--- PASS: TestA (1.25s)\n" + ran + "\x16--- PASS: TestA (1.25s)\n\x16PASS\n", 0, "TestA has 2 results"},
		{"printed by the test", ran + "--- PASS: TestA (1.25s)\nPASS\n", 0, "TestA has 0 results"},
		{"cut off", ran, 0, "TestA has 0 results"},
	} {
		t.Run(test.name, func(t *testing.T) {
			needs.Tool(t, "go")
			r, err := parse(t.Context(), []byte(test.output), test.code)
			if err != nil {
				t.Fatal(err)
			}
			for _, child := range r.children {
				if len(child.ended) == 1 && child.seconds != 1.25 {
					t.Errorf("took %v s", child.seconds)
				}
			}
			err = r.check([]string{"TestA"}, test.code)
			if (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%v", err)
			}
		})
	}
}
