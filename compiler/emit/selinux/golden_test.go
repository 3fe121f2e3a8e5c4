// SPDX-License-Identifier: Apache-2.0

package selinux

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/avert-dev/avert/compiler/check"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
)

var update = flag.Bool("update", false, "rewrite the golden archives")

// TestGolden: each archive has policies and workloads as input.yaml, the pools
// that they are compiled for as config.yaml, and for each pool the modules and the
// answers. Its comment says what it is about.
//
//proves:selinux capabilities/allow-from
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v, %d archives", err, len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: archive.Comment, Files: archive.Files[:2:2]}
			for pool, out := range emitAll(t, archive.Files[0].Data, archive.Files[1].Data) {
				for _, f := range out.Files {
					if !strings.HasSuffix(f.Name, ".cil") {
						continue // tables of rules have tests of their own
					}
					got.Files = append(got.Files, txtar.File{Name: pool.Name + "/" + f.Name, Data: f.Data})
				}
				got.Files = append(got.Files, txtar.File{Name: pool.Name + "/answers", Data: answers(out)})
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(got))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// emitAll compiles policies for each pool of a configuration, in its order.
func emitAll(t testing.TB, input, config []byte) iter.Seq2[*platform.Pool, emit.Output] {
	t.Helper()
	list := &diag.List{}
	program := lower.Program(check.Documents([]*diag.File{diag.NewFile("input.yaml", input)}, list), list)
	pools := check.Config(diag.NewFile(".avert.yaml", append([]byte("apiVersion: avert.dev/v1alpha1\nkind: Config\n"), config...)), list)
	if list.HasErrors() {
		t.Fatal(list.Sorted())
	}
	return func(yield func(*platform.Pool, emit.Output) bool) {
		for _, pool := range pools {
			if err := Target.Takes(pool); err != nil {
				t.Fatal(err)
			}
			if !yield(pool, Target.Emit(emit.Input{Program: program, Pool: pool})) {
				return
			}
		}
	}
}

func answers(out emit.Output) []byte {
	var b bytes.Buffer
	for _, l := range out.Lowerings {
		fmt.Fprintf(&b, "%s: %s %s: %s, reports %s\n", l.Scope, l.Action, l.Rule, l.Status, l.Reports)
		for _, line := range []string{strings.Join(l.Causes, ", "), l.Reason, l.ReportsReason} {
			if line != "" {
				fmt.Fprintf(&b, "\t%s\n", line)
			}
		}
	}
	return b.Bytes()
}
