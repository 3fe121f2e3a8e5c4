// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/avert-dev/avert/internal/needs"
)

// results is a test that ran in a guest, or the program of all of them.
type results struct {
	name     string // after its parent's
	children []*results
	output   strings.Builder
	ended    []string // how it ended: pass, fail or skip, once
	seconds  float64  // of the guest's time
}

// parse reads what a test program printed with -test.v=test2json, where what tests print cannot be taken for what the
// program says of them.
func parse(ctx context.Context, output []byte, code int) (*results, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "test2json", "-t") // -t for how long tests took
	if code != 0 {
		// A program that dies does not say so; go test adds the line that ends the last test.
		output = append(bytes.Clone(output), "\x16FAIL\n"...)
	}
	cmd.Stdin = bytes.NewReader(output)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	stream, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go tool test2json: %w: %s", err, problems.Bytes())
	}
	root := &results{}
	tests := map[string]*results{"": root}
	for events := json.NewDecoder(bytes.NewReader(stream)); ; {
		var event struct {
			Action, Test, Output string
			Elapsed              float64
		}
		if err := events.Decode(&event); err == io.EOF {
			return root, nil
		} else if err != nil {
			return nil, fmt.Errorf("go tool test2json: %w", err)
		}
		test := tests[event.Test]
		if test == nil {
			parent := event.Test // the longest name before a slash that is a test: names can have slashes
			for tests[parent] == nil {
				parent = parent[:max(0, strings.LastIndexByte(parent, '/'))]
			}
			test = &results{name: strings.TrimPrefix(strings.TrimPrefix(event.Test, parent), "/")}
			tests[parent].children = append(tests[parent].children, test)
			tests[event.Test] = test
		}
		switch event.Action {
		case "output":
			test.output.WriteString(event.Output)
		case "pass", "fail", "skip":
			test.ended = append(test.ended, event.Action)
			test.seconds = event.Elapsed
		}
	}
}

// check returns what speaks against these being the results of all expected tests, from a program with this exit code.
func (r *results) check(expected []string, code int) error {
	var problems []error
	ran := map[string]bool{}
	for _, test := range r.children {
		ran[test.name] = true
		if len(test.ended) != 1 {
			problems = append(problems, fmt.Errorf("%s has %d results", test.name, len(test.ended)))
		}
	}
	for _, name := range expected {
		if !ran[name] {
			problems = append(problems, fmt.Errorf("%s did not run in the guest", name))
		}
		delete(ran, name)
	}
	for name := range ran {
		problems = append(problems, fmt.Errorf("%s ran in the guest and is none of its tests", name))
	}
	if slices.ContainsFunc(r.children, (*results).failed) != (code != 0) {
		problems = append(problems, fmt.Errorf("the test program in the guest ended with exit code %d", code))
	}
	return errors.Join(problems...)
}

func (r *results) failed() bool {
	return slices.Equal(r.ended, []string{"fail"}) || slices.ContainsFunc(r.children, (*results).failed)
}

// replay makes a test of the guest one of the host.
func (r *results) replay(t *testing.T) {
	t.Run(r.name, func(t *testing.T) {
		for _, child := range r.children {
			child.replay(t)
		}
		said := said(r.output.String())
		switch {
		case len(r.ended) != 1:
			t.Errorf("%s has %d results\n%s", r.name, len(r.ended), said)
		case r.ended[0] == "fail":
			t.Errorf("failed in the guest\n%s", said)
		case r.ended[0] == "skip":
			needs.Missing(t, "skipped in the guest\n"+said)
		default:
			t.Logf("%.2f s in the guest\n%s", r.seconds, said)
		}
	})
}

// said is the output of a test without the lines that tell how far it is, and without control characters, which mean
// something to what reads the host's output.
func said(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if text := strings.TrimLeft(line, " "); !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") {
			b.WriteString(line)
		}
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.TrimRight(b.String(), "\n"))
}
