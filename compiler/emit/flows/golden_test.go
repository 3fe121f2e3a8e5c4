// SPDX-License-Identifier: Apache-2.0

package flows_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/avert-dev/avert/compiler/check"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/cilium"
	"github.com/avert-dev/avert/compiler/emit/networkpolicy"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
)

var update = flag.Bool("update", false, "rewrite the golden archives")

// Each archive has policies (and workloads) as input.yaml, and for each target
// the manifests that it makes of them and its answers. Its comment says what it
// is about; a line "kubernetes: V" or "cilium: V" in it sets a version.
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
			program := program(t, archive.Files[0].Data)
			want := &txtar.Archive{Comment: archive.Comment, Files: archive.Files[:1:1]}
			for _, target := range []*emit.Target{&cilium.Target, &networkpolicy.Target} {
				pool := poolOf(t, target, string(archive.Comment))
				if err := target.Takes(pool); err != nil {
					t.Fatal(err)
				}
				out := target.Emit(emit.Input{Program: program, Pool: pool})
				want.Files = append(want.Files,
					txtar.File{Name: target.Name + ".yaml", Data: manifests(out)},
					txtar.File{Name: target.Name + ".txt", Data: answers(out)})
			}
			got := txtar.Format(want)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func program(t testing.TB, input []byte) *ir.Program {
	t.Helper()
	list := &diag.List{}
	set := check.Documents([]*diag.File{diag.NewFile("input.yaml", input)}, list)
	p := lower.Program(set, list)
	if list.HasErrors() {
		t.Fatal(list.Sorted())
	}
	return p
}

func poolOf(t testing.TB, target *emit.Target, comment string) *platform.Pool {
	t.Helper()
	pool := check.DefaultPools()[0]
	if target == &cilium.Target {
		pool.CNI.Name = "cilium"
	}
	for line := range strings.Lines(comment) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		set := map[string]*platform.Version{"kubernetes": &pool.Kubernetes, "cilium": &pool.CNI.Version}[key]
		if set == nil {
			continue
		}
		v, err := platform.ParseVersion(value)
		if err != nil {
			t.Fatal(err)
		}
		*set = v
	}
	return pool
}

func manifests(out emit.Output) []byte {
	var b bytes.Buffer
	for _, f := range out.Files {
		fmt.Fprintf(&b, "# %s of", f.Name)
		for _, p := range f.Sources {
			fmt.Fprintf(&b, " %s", p.ID())
		}
		fmt.Fprintf(&b, "\n%s", f.Data)
	}
	return b.Bytes()
}

func answers(out emit.Output) []byte {
	var b bytes.Buffer
	for _, l := range out.Lowerings {
		fmt.Fprintf(&b, "%s: %s %s: %s, reports %s", l.Scope, l.Action, l.Rule, l.Status, l.Reports)
		if len(l.Causes) > 0 {
			fmt.Fprintf(&b, ", because of %s", strings.Join(l.Causes, ", "))
		}
		if l.Reason != "" {
			fmt.Fprintf(&b, "\n\t%s", l.Reason)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}
