// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/format"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/syntax"
)

var update = flag.Bool("update", false, "rewrite testdata: the trees of the examples")

// plain is a pool without Cilium.
const plain = `apiVersion: avert.dev/v1alpha1
kind: Config
pools: [{name: plain, cni: {name: calico, version: "3.30"}}]
`

// folders lists the examples: the folders that have a configuration.
func folders(t *testing.T) []string {
	t.Helper()
	configs, err := filepath.Glob("*/" + syntax.ConfigName)
	if err != nil || len(configs) < 7 {
		t.Fatalf("only %d examples were found (%v)", len(configs), err)
	}
	for i, c := range configs {
		configs[i] = filepath.Dir(c)
	}
	return configs
}

func read(t *testing.T, folder, name string) *diag.File {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return diag.NewFile(name, text)
}

// TestExamples compiles every example for its own pool and for one without
// Cilium. There must be no finding, and the tree must be as recorded: which
// files there are, and how each rule is held.
func TestExamples(t *testing.T) {
	for _, folder := range folders(t) {
		for pool, config := range map[string]*diag.File{
			"own":   read(t, folder, syntax.ConfigName),
			"plain": diag.NewFile("plain.yaml", []byte(plain)),
		} {
			t.Run(folder+"/"+pool, func(t *testing.T) {
				result := compiler.Compile(compiler.Input{
					Files:  []*diag.File{read(t, folder, "policy.yaml"), read(t, folder, "workload.yaml")},
					Config: config,
				})
				if len(result.Findings) > 0 {
					var found bytes.Buffer
					if err := (diag.Printer{}).Print(&found, result.Findings); err != nil {
						t.Fatal(err)
					}
					t.Fatalf("\n%s", found.String())
				}
				got := listing(t, result)
				golden := filepath.Join("testdata", folder+"."+pool+".txt")
				if *update {
					if err := os.WriteFile(golden, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatalf("%v; go test ./examples -update writes it", err)
				}
				if diff := cmp.Diff(string(want), string(got)); diff != "" {
					t.Errorf("go test ./examples -update accepts:\n%s", diff)
				}
			})
		}
	}
}

// listing has the files of a tree, and what its report says of each rule.
func listing(t *testing.T, result *compiler.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, f := range result.Files {
		fmt.Fprintln(&b, f.Path)
	}
	for _, f := range result.Files {
		if f.Path != "report.json" {
			continue
		}
		var d report.Document
		if err := json.Unmarshal(f.Data, &d); err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Rules {
			fmt.Fprintf(&b, "\n%s %s %s: %s %s", r.Policy, r.Rule, r.Action, r.Target, r.Status)
		}
		for _, g := range d.Gaps {
			fmt.Fprintf(&b, "\n%s %s: gap", g.Policy, g.Rule)
		}
	}
	return append(bytes.TrimSpace(b.Bytes()), '\n')
}

// TestFormatted holds that the examples look as avert fmt writes them.
func TestFormatted(t *testing.T) {
	for _, folder := range folders(t) {
		for _, name := range []string{"policy.yaml", syntax.ConfigName} {
			have := read(t, folder, name).Source
			want, err := format.Source(have, name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(have)); diff != "" {
				t.Errorf("%s/%s: avert fmt examples mends it:\n%s", folder, name, diff)
			}
		}
	}
}

// TestModelines holds that editors find the schema of every policy and
// configuration.
func TestModelines(t *testing.T) {
	for _, folder := range folders(t) {
		for name, schema := range map[string]string{"policy.yaml": "policy", syntax.ConfigName: "config"} {
			path := "../../schemas/" + schema + ".schema.json"
			if want := "# yaml-language-server: $schema=" + path + "\n"; !strings.HasPrefix(string(read(t, folder, name).Source), want) {
				t.Errorf("%s/%s does not begin with %s", folder, name, want)
			}
			if _, err := os.Stat(filepath.Join(folder, path)); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestRecordings holds that there is nothing in testdata that no example makes.
func TestRecordings(t *testing.T) {
	recorded, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := folders(t)
	for _, path := range recorded {
		folder, _, _ := strings.Cut(filepath.Base(path), ".")
		if !slices.Contains(all, folder) {
			t.Errorf("%s is of no example", path)
		}
	}
}
