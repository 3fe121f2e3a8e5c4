// SPDX-License-Identifier: Apache-2.0

package compiler_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/avert-dev/avert/"

// mayImport says which packages of the project each one may import, besides
// those that stand for facts and values: diag, policy, platform, linux, suggest.
// It is the picture of ARCHITECTURE.md.
var mayImport = map[string][]string{
	"compiler/diag":     {},
	"compiler/linux":    {},
	"compiler/suggest":  {},
	"compiler/automata": {},
	"compiler/policy":   {"compiler/diag"},
	"compiler/platform": {"compiler/diag", "compiler/linux"},
	"compiler/floor":    {"compiler/linux"},
	"compiler/syntax":   {},
	"compiler/check":    {"compiler/syntax", "compiler/automata", "compiler/floor", "compiler/operation"},
	"compiler/ir":       {"compiler/automata"},
	"compiler/lower":    {"compiler/ir", "compiler/automata"},
	"compiler/output":   {},
	"compiler/format":   {},
	"compiler/emit":     {"compiler/ir"},
	"compiler/report":   {"compiler/ir", "compiler/emit"},
	"compiler/bundle":   {"compiler/emit", "compiler/report", "compiler/output"},

	"compiler/operation":  {},
	"compiler/foreign":    {"compiler/syntax", "compiler/automata"},
	"compiler/lineages":   {"compiler/ir", "compiler/automata"},
	"compiler/diff":       {"compiler/ir", "compiler/automata", "compiler/operation", "compiler/floor", "compiler/lineages"},
	"compiler/explain":    {"compiler/ir", "compiler/automata", "compiler/operation", "compiler/emit", "compiler/report", "runtime/event"},
	"compiler/query":      {"compiler/ir", "compiler/automata", "compiler/lineages"},
	"compiler/policytest": {"compiler/ir"},
	"compiler/ruletable":  {"compiler/ir", "compiler/automata"},

	"compiler/view":  {"compiler/automata", "compiler/ir", "compiler/emit", "compiler/emit/targets", "compiler/report"},
	"compiler/guard": {"compiler/view", "compiler/syntax", "compiler/automata"},

	"compiler/reference":        {},
	"compiler/reference/sample": {},
}

var values = []string{"compiler/diag", "compiler/policy", "compiler/platform", "compiler/linux", "compiler/suggest"}

// TestImportDirection holds the one direction of data. Back-ends may import emit,
// the IR and floor, and neither each other nor a stage before the IR.
func TestImportDirection(t *testing.T) {
	for pkg, imports := range list(t, "{{join .Imports \" \"}}") {
		allowed, known := mayImport[pkg]
		backend := strings.HasPrefix(pkg, "compiler/emit/") && pkg != "compiler/emit/targets"
		switch {
		case backend:
			allowed = []string{"compiler/emit", "compiler/ir", "compiler/floor", "compiler/emit/flows", "compiler/ruletable"}
			if pkg == "compiler/emit/apparmor" {
				// It writes patterns in another notation, and asks whether they overlap.
				allowed = append(allowed, "compiler/automata")
			}
			if pkg == "compiler/emit/lsm" {
				// It packs automata into the layout that the programs read.
				allowed = append(allowed, "compiler/automata", "bpf")
			}
		case pkg == "compiler" || pkg == "compiler/emit/targets":
			continue
		case !known:
			if strings.HasPrefix(pkg, "compiler/") && !strings.HasSuffix(pkg, "/gen") && pkg != "compiler/linux/widths" && pkg != "compiler/source" {
				t.Errorf("%s is not in the picture: add it to mayImport", pkg)
			}
			continue
		}
		for _, i := range imports {
			own, ok := strings.CutPrefix(i, module)
			if ok && own != pkg && !slices.Contains(allowed, own) && !slices.Contains(values, own) {
				t.Errorf("%s imports %s", pkg, own)
			}
		}
	}
}

// TestReferenceStandsAlone: what is compared with the IR shares no code with it.
func TestReferenceStandsAlone(t *testing.T) {
	for _, d := range list(t, "{{join .Deps \" \"}}")["compiler/reference"] {
		for _, forbidden := range []string{"compiler/ir", "compiler/lower", "compiler/automata"} {
			if d == module+forbidden {
				t.Errorf("reference depends on %s", forbidden)
			}
		}
	}
}

// TestNoNetwork: the compiler never talks to anybody. Packages that only hold
// types of others may link more than they use.
func TestNoNetwork(t *testing.T) {
	for pkg, imports := range list(t, "{{join .Imports \" \"}}") {
		for _, i := range imports {
			if i == "net" || strings.HasPrefix(i, "net/http") || i == "net/rpc" || i == "net/smtp" {
				t.Errorf("%s imports %s", pkg, i)
			}
		}
	}
}

// TestOPA: rules in Rego are package guard's, and nothing on a node links them.
func TestOPA(t *testing.T) {
	const opa = "github.com/open-policy-agent/opa/"
	for pkg, imports := range list(t, "{{join .Imports \" \"}}") {
		if pkg != "compiler/guard" && slices.ContainsFunc(imports, func(i string) bool { return strings.HasPrefix(i, opa) }) {
			t.Errorf("%s imports OPA", pkg)
		}
	}
	deps := list(t, "{{join .Deps \" \"}}")
	for _, pkg := range []string{"cmd/avert-node", "compiler"} {
		if slices.ContainsFunc(deps[pkg], func(i string) bool { return strings.HasPrefix(i, opa) }) {
			t.Errorf("%s links OPA", pkg)
		}
	}
}

// list runs go list over the project's packages.
func list(t *testing.T, format string) map[string][]string {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} "+format, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		m[strings.TrimPrefix(fields[0], module)] = fields[1:]
	}
	if len(m) < 15 {
		t.Fatalf("go list found %d packages", len(m))
	}
	return m
}
