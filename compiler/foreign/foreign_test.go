// SPDX-License-Identifier: Apache-2.0

package foreign_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/diff"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/foreign"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/policytest"
)

var update = flag.Bool("update", false, "rewrite the wanted policies and findings in testdata/import")

// TestSamples imports every archive of testdata/import: what is made has to be as
// it stands there, be accepted, and decide the archive's cases, which were written
// from what the other project says its policies mean.
func TestSamples(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/import/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, path := range paths {
		kind, _, _ := strings.Cut(filepath.Base(path), "-")
		kinds[kind]++
		t.Run(filepath.Base(path), func(t *testing.T) { importSample(t, path) })
	}
	if kinds["kubearmor"] < 15 || kinds["networkpolicy"]+kinds["cilium"] < 10 || kinds["seccomp"] < 5 {
		t.Errorf("samples: %v", kinds)
	}
}

func importSample(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*txtar.File{}
	for i := range archive.Files {
		files[archive.Files[i].Name] = &archive.Files[i]
	}
	source := &archive.Files[0]
	list := &diag.List{}
	made := foreign.Import(diag.NewFile(source.Name, source.Data), foreign.Options{}, list)
	var findings bytes.Buffer
	if err := (diag.Printer{}).Print(&findings, list.Sorted()); err != nil {
		t.Fatal(err)
	}
	if *update {
		files["want.yaml"].Data, files["findings"].Data = made, findings.Bytes()
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(string(files["want.yaml"].Data), string(made)); d != "" {
		t.Errorf("policy (-want +got):\n%s", d)
	}
	if d := cmp.Diff(string(files["findings"].Data), findings.String()); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	result := compiler.Understand(compiler.Input{Files: []*diag.File{diag.NewFile("want.yaml", made), diag.NewFile("cases.yaml", files["cases.yaml"].Data)}})
	if result.Program == nil {
		t.Fatalf("%v", result.Findings)
	}
	r := policytest.Run(result.Set, result.Program, result.Base)
	if r.Failed() > 0 || len(r.Results) == 0 {
		t.Errorf("%s", r.Text(true))
	}
	if strings.HasSuffix(source.Name, ".json") && findings.Len() == 0 {
		sameCalls(t, source.Data, result)
	}
}

// sameCalls asks the profile and the policy about every system call, with
// arguments at both sides of every condition.
func sameCalls(t *testing.T, text []byte, result *compiler.Result) {
	t.Helper()
	var profile specs.LinuxSeccomp
	if err := json.Unmarshal(text, &profile); err != nil {
		t.Fatal(err)
	}
	values := map[uint64]bool{0: true, 1: true, 1<<64 - 1: true}
	for _, s := range profile.Syscalls {
		for _, a := range s.Args {
			for _, v := range []uint64{a.Value, a.ValueTwo} {
				values[v], values[v+1], values[v-1] = true, true, true
			}
		}
	}
	layer := result.Program.Units[0].Enforced
	asked := 0
	for _, name := range linux.SyscallNames(linux.AMD64) {
		for a := range values {
			for b := range values {
				call := policy.SyscallCall{Arch: string(linux.AMD64), Name: name, Args: [6]uint64{a, b}}
				want, err := floor.Decide(&profile, name, call.Args)
				if err != nil {
					t.Fatal(err)
				}
				got, err := layer.Decide(policy.Operation{Kind: policy.OpSyscall, Syscall: call}, diff.Floor{Profile: &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}}.Allows)
				if err != nil {
					t.Fatal(err)
				}
				asked++
				if want.Allows() != (got.Action != policy.Block) || !want.Allows() && uint(got.Errno) != want.Errno || (want.Action == specs.ActLog) != (got.Action == policy.Audit) {
					t.Fatalf("%s %#x: the profile says %v, the policy %v", name, call.Args[:2], want, got)
				}
			}
		}
	}
	if asked < 3000 {
		t.Errorf("%d calls asked", asked)
	}
}

// TestFinding holds that AV0701 is printed as diagnostics.md shows it.
func TestFinding(t *testing.T) {
	archive, err := txtar.ParseFile("../../testdata/diagnostics/AV0701.txtar")
	if err != nil {
		t.Fatal(err)
	}
	list := &diag.List{}
	foreign.Import(diag.NewFile(archive.Files[0].Name, archive.Files[0].Data), foreign.Options{}, list)
	var got bytes.Buffer
	if err := (diag.Printer{}).Print(&got, list.Sorted()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(archive.Files[1].Data), got.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// FuzzImport: nothing that is read panics, and what is made is YAML that the
// compiler reads.
func FuzzImport(f *testing.F) {
	paths, err := filepath.Glob("../../testdata/import/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		made := foreign.Import(diag.NewFile("source", source), foreign.Options{}, &diag.List{})
		if made == nil {
			return
		}
		result := compiler.Understand(compiler.Input{Files: []*diag.File{diag.NewFile("made", made)}})
		for _, d := range result.Findings {
			if d.Code == diag.InvalidYAML || d.Code == diag.InvalidText {
				t.Fatalf("%s: %s\n%s", d.Span, d.Message, made)
			}
		}
	})
}
