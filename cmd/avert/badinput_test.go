// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// badInputs write texts that must give findings, and not much else. They are
// written piece by piece, since the memory of this process counts as that of
// the ones that it starts.
var badInputs = map[string]func(w io.Writer){
	"bomb": func(w io.Writer) {
		fmt.Fprintln(w, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]")
		for i := 1; i < 30; i++ {
			fmt.Fprintf(w, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
		}
	},
	"100 MB":        repeat("", "# a comment that goes on and on\n", 100_000_000/32, ""),
	"16 MB":         repeat("", "- [a, b]\n", 1_700_000, ""),
	"invalid UTF-8": repeat("kind: ", "\xff\xfe", 1, "\n"),
	"binary":        repeat("", "\x00\x01\x02\x7fELF", 1000, ""),
	"deep list":     repeat("", "[", 100_000, ""),
	"deep mapping":  repeat("", "{a: ", 100_000, ""),
	"indentation":   repeat("", " ", 1_000_000, "\ta"),
	"anchors":       repeat("", "- &a x\n", 400_000, ""),
	"braces": func(w io.Writer) {
		rule(w, func() { repeat("/", "{", 10_000, "a")(w); repeat("", "}", 10_000, "")(w) })
	},
	"alternations": func(w io.Writer) { rule(w, func() { repeat("/", "{a,b}", 800, "")(w) }) },
	"states":       func(w io.Writer) { rule(w, func() { repeat("/**/a", "?", 200, "/b")(w) }) },
	"stars":        func(w io.Writer) { rule(w, func() { repeat("/", "*a", 2000, "")(w) }) },
	"long pattern": func(w io.Writer) { rule(w, func() { repeat("/", "a", 1_000_000, "")(w) }) },
	"faults": func(w io.Writer) {
		rule(w, func() { fmt.Fprint(w, "/a") })
		repeat("", "      - {name: r, acton: Audit}\n", 200_000, "")(w)
	},
	"no document":   repeat("just text", "", 0, ""),
	"one long line": repeat("kind: ", "x", 10_000_000, ""),
}

func repeat(before, text string, n int, after string) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprint(w, before)
		for range n {
			io.WriteString(w, text)
		}
		fmt.Fprint(w, after)
	}
}

// rule writes a policy with one pattern.
func rule(w io.Writer, pattern func()) {
	fmt.Fprint(w, "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: x, namespace: shop}\nspec:\n  selector: {}\n")
	fmt.Fprint(w, "  file:\n    default: Allow\n    rules:\n      - {name: r, action: Block, access: [read], paths: ['")
	pattern()
	fmt.Fprint(w, "']}\n")
}

// TestBadInput holds that bad input gives findings in bounded memory, whether
// from a file or from standard input.
func TestBadInput(t *testing.T) {
	const mostMemory = 1 << 30
	commands := map[string][]string{
		"lint":    {"lint", "bad.yaml"},
		"compile": {"compile", "examples", "-", "-o", "out"},
		"fmt":     {"fmt", "--check", "bad.yaml"},
	}
	for name, write := range badInputs {
		t.Run(name, func(t *testing.T) {
			exampleFolder(t)
			text, err := os.Create("bad.yaml")
			if err != nil {
				t.Fatal(err)
			}
			defer text.Close()
			w := bufio.NewWriterSize(text, 1<<20)
			write(w)
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			for command, args := range commands {
				if _, err := text.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				// The limit is there to end the test if avert hangs.
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				var stderr bytes.Buffer
				cmd := exec.CommandContext(ctx, "avert", args...)
				cmd.Stdin, cmd.Stdout, cmd.Stderr = text, io.Discard, &stderr
				// fmt knows nothing of patterns, and may find the text in order.
				if code := exitCode(t, cmd.Run()); code != 1 && (command != "fmt" || code != 0) || strings.Contains(stderr.String(), "goroutine") {
					t.Errorf("%s: exit code %d\n%.2000s", command, code, &stderr)
				}
				used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
				t.Logf("%s: %v, %d MiB", command, cmd.ProcessState.UserTime(), used>>20)
				if used > mostMemory && runtime.GOOS == "linux" { // elsewhere the unit differs
					t.Errorf("%s: %d MiB of memory", command, used>>20)
				}
			}
			if _, err := os.Stat("out"); err == nil {
				t.Error("something was written")
			}
		})
	}
}
