// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"
)

// exampleFolder is a fresh working folder with the examples of most commands.
func exampleFolder(t *testing.T) {
	t.Helper()
	scriptFolder(t, "compile.txtar")
}

// scriptFolder is a fresh working folder with the examples of one script.
func scriptFolder(t *testing.T, script string) {
	t.Helper()
	archive, err := txtar.ParseFile("../../testdata/cli/" + script)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir(".git", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "examples/") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExamples holds that every command is explained, and runs its examples as
// they are written, one after the other.
func TestExamples(t *testing.T) {
	root := newApp(nil, io.Discard, io.Discard).root()
	root.InitDefaultHelpCmd()
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		t.Run(cmd.Name(), func(t *testing.T) {
			if cmd.Short == "" || cmd.Long == "" || cmd.Short == cmd.Long {
				t.Error("Short and Long must say something each")
			}
			lines := strings.Split(cmd.Example, "\n")
			if len(lines) < 2 {
				t.Errorf("%d examples, want 2", len(lines))
			}
			script := "compile.txtar"
			switch cmd.Name() {
			case "image": // its example is of a pool that takes images
				script = "image.txtar"
			case "diff", "test", "import": // of two revisions, of tests beside policies, of other formats
				script = cmd.Name() + ".txtar"
			}
			scriptFolder(t, script)
			for _, line := range lines {
				run := exec.Command("sh", "-c", line)
				out, err := run.CombinedOutput()
				if err != nil || len(out) == 0 && !strings.Contains(line, ">") {
					t.Errorf("%s: %v\n%s", line, err, out)
				}
			}
		})
	}
}

// TestHelp holds that help fits a terminal of 80 columns, flags apart.
func TestHelp(t *testing.T) {
	root := newApp(nil, io.Discard, io.Discard).root()
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		for line := range strings.SplitSeq(cmd.Long, "\n") {
			if len(line) > 80 {
				t.Errorf("%s: %q has %d columns", cmd.Name(), line, len(line))
			}
		}
	}
}
