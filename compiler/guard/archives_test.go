// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
	"github.com/avert-dev/avert/compiler/syntax"
)

var update = flag.Bool("update", false, "rewrite the wanted output of archives in testdata/diagnostics")

// TestArchives holds that the archives of diagnostics.md about guardrails print
// what they say. Other findings are left out.
func TestArchives(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/diagnostics/AV06*.txtar")
	if err != nil || len(paths) != 7 {
		t.Fatalf("%d archives, %v", len(paths), err)
	}
	for _, path := range paths {
		code := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(code, func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			in := run{today: "2026-11-24", limits: guard.Limits{Time: 100 * time.Millisecond, Memory: 1 << 30}}
			var want *txtar.File
			for i, f := range archive.Files {
				file := diag.NewFile(f.Name, f.Data)
				switch {
				case f.Name == "want":
					want = &archive.Files[i]
				case f.Name == syntax.ConfigName:
					in.config = file
				case strings.HasSuffix(f.Name, ".rego"):
					in.own = append(in.own, file)
				default:
					in.files = append(in.files, file)
				}
			}
			var about []diag.Diagnostic
			for _, d := range in.lint(t) {
				if strings.HasPrefix(string(d.Code), "AV06") {
					about = append(about, d)
				}
			}
			if len(about) != 1 || string(about[0].Code) != code {
				t.Errorf("findings %v, want one of %s", about, code)
			}
			var got bytes.Buffer
			if err := (diag.Printer{}).Print(&got, about); err != nil {
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
