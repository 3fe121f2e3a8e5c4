// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
	"github.com/avert-dev/avert/compiler/syntax"
	"github.com/avert-dev/avert/compiler/view"
	"github.com/avert-dev/avert/rego"
)

// run is one linting.
type run struct {
	files, own []*diag.File
	config     *diag.File
	today      string
	limits     guard.Limits
}

// lint compiles, judges and returns what is found.
func (r run) lint(t testing.TB) []diag.Diagnostic {
	t.Helper()
	result := compiler.Check(compiler.Input{Files: r.files, Config: r.config})
	if result.HasErrors() {
		t.Fatalf("the input has errors:\n%s", printed(t, result.Findings))
	}
	list := &diag.List{}
	config := guard.Configure(r.config, list)
	sources := []guard.Source{{Files: rego.Files(), BuiltIn: true}, {Files: r.own}}
	if set := guard.Load(sources, config, list); !list.HasErrors() {
		in := view.Input{Set: result.Set, Program: result.Program, Pools: result.Pools, Today: r.today, Paths: set.Paths()}
		set.Judge(in, r.all(), r.limits, list)
	}
	return list.Sorted()
}

// all returns the inputs and the configuration.
func (r run) all() []*diag.File {
	files := slices.Clone(r.files)
	if r.config != nil {
		files = append(files, r.config)
	}
	return files
}

func printed(t testing.TB, items []diag.Diagnostic) string {
	t.Helper()
	var b bytes.Buffer
	if err := (diag.Printer{}).Print(&b, items); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// folder reads the policies, manifests and configuration of a folder.
func folder(t testing.TB, dir string) run {
	t.Helper()
	r := run{today: "2026-11-24", limits: guard.DefaultLimits()}
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("nothing in %s, %v", dir, err)
	}
	read := func(name string) *diag.File {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return diag.NewFile(filepath.Base(name), text)
	}
	for _, name := range names {
		if filepath.Base(name) != syntax.ConfigName {
			r.files = append(r.files, read(name))
		}
	}
	r.config = read(filepath.Join(dir, syntax.ConfigName))
	return r
}
