// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/source"
	"github.com/avert-dev/avert/compiler/syntax"
)

var update = flag.Bool("update", false, "rewrite the wanted output of archives in testdata/diagnostics")

// pipeline are the codes that more than package check raises, which tests the
// archives of the others.
var pipeline = []diag.Code{diag.UnreadableInput, diag.StateBudget, diag.LineageBudget, diag.UnknownTarget, diag.NameCollision, diag.Gap}

// TestArchives holds that the archives of diagnostics.md print what they say.
func TestArchives(t *testing.T) {
	for _, code := range pipeline {
		t.Run(string(code), func(t *testing.T) {
			path, err := filepath.Abs("../testdata/diagnostics/" + string(code) + ".txtar")
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var in compiler.Input
			var want *txtar.File
			for i, f := range archive.Files {
				switch f.Name {
				case "want":
					want = &archive.Files[i]
				case syntax.ConfigName:
					in.Config = diag.NewFile(f.Name, f.Data)
				case "policy.yaml":
					in.Files = append(in.Files, diag.NewFile(f.Name, f.Data))
				}
			}
			findings := compiler.Compile(in).Findings
			if code == diag.UnreadableInput {
				findings = brokenLink(t)
			}
			if !slices.ContainsFunc(findings, func(d diag.Diagnostic) bool { return d.Code == code }) {
				t.Errorf("%s is not among the findings", code)
			}
			var got bytes.Buffer
			if err := (diag.Printer{}).Print(&got, findings); err != nil {
				t.Fatal(err)
			}
			if *update {
				want.Data = got.Bytes()
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// unraised are the codes that nothing raises yet.
var unraised = []diag.Code{diag.Stricter}

// TestEveryCode holds that diagnostics.md can show an input for each code.
func TestEveryCode(t *testing.T) {
	for _, e := range diag.Catalogue {
		_, err := os.Stat("../testdata/diagnostics/" + string(e.Code) + ".txtar")
		if err != nil && !slices.Contains(unraised, e.Code) {
			t.Error(err)
		}
	}
}

// brokenLink is what AV0001.txtar has as commands: text cannot hold a link.
func brokenLink(t *testing.T) []diag.Diagnostic {
	t.Chdir(t.TempDir())
	if err := os.Symlink("gone.yaml", "policy.yaml"); err != nil {
		t.Fatal(err)
	}
	list := &diag.List{}
	if _, err := source.Read([]string{"."}, "", nil, list); err != nil {
		t.Fatal(err)
	}
	return list.Sorted()
}
