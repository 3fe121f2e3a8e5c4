// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
	"github.com/avert-dev/avert/rego"
)

// place is a finding of a rule in a line.
type place struct {
	file string
	line int
	id   string
}

func sorted(places []place) []place {
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.id, b.id))
	})
	return places
}

// TestBad holds that each built-in rule finds what testdata/bad has for it, in
// the lines whose comments say so, and nothing else.
func TestBad(t *testing.T) {
	bad := folder(t, "../../testdata/bad")
	var want, got []place
	for _, f := range bad.all() {
		for i, line := range strings.Split(string(f.Source), "\n") {
			if _, ids, ok := strings.Cut(line, "# finding: "); ok {
				for _, id := range strings.Fields(ids) {
					want = append(want, place{f.Name, i + 1, id})
				}
			}
		}
	}
	found := map[string]bool{}
	for _, d := range bad.lint(t) {
		line, _ := d.Span.File.Position(d.Span.Start)
		got = append(got, place{d.Span.File.Name, line, string(d.Code)})
		found[string(d.Code)] = true
	}
	if diff := gocmp.Diff(sorted(want), sorted(got), gocmp.AllowUnexported(place{})); diff != "" {
		t.Errorf("(-want +got) %s", diff)
	}
	for _, r := range builtIn(t) {
		if !found[r.ID] {
			t.Errorf("nothing in testdata/bad fails %s", r.ID)
		}
	}
}

// TestExamples holds that the examples pass every rule, but for what they
// suppress with a reason.
func TestExamples(t *testing.T) {
	configs, err := filepath.Glob("../../examples/*/.avert.yaml")
	if err != nil || len(configs) < 7 {
		t.Fatalf("%d examples, %v", len(configs), err)
	}
	for _, config := range configs {
		dir := filepath.Dir(config)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if found := folder(t, dir).lint(t); len(found) > 0 {
				t.Errorf("\n%s", printed(t, found))
			}
		})
	}
}

func builtIn(t *testing.T) []*guard.Rule {
	t.Helper()
	list := &diag.List{}
	set := guard.Load([]guard.Source{{Files: rego.Files(), BuiltIn: true}}, guard.Configure(nil, list), list)
	if found := list.Sorted(); len(found) > 0 {
		t.Fatalf("\n%s", printed(t, found))
	}
	return set.Rules
}

// controls are the ids of the catalogues: sections of the CIS Kubernetes
// Benchmark, techniques and tactics of MITRE ATT&CK, chapters of the hardening
// guide of NSA and CISA, and controls of the Pod Security Standards.
var controls = regexp.MustCompile(`^(CIS/5\.[1-7]\.[0-9]{1,2}` +
	`|MITRE/(T[0-9]{4}(\.[0-9]{3})?|TA[0-9]{4})` +
	`|NSA-CISA/(pod-security|network-separation|authentication|threat-detection)` +
	`|PSS/baseline/(host-namespaces|privileged|capabilities|hostpath|host-ports|apparmor|selinux|proc-mount|seccomp|sysctls)` +
	`|PSS/restricted/(privilege-escalation|non-root|seccomp|capabilities))$`)

// TestMetadata holds that every built-in rule says what a reader needs.
func TestMetadata(t *testing.T) {
	rules := builtIn(t)
	if len(rules) < 30 {
		t.Errorf("%d built-in rules", len(rules))
	}
	for _, r := range rules {
		if want := "rego/" + r.ID + "/rule.rego"; r.Span.File.Name != want {
			t.Errorf("%s stands in %s", r.ID, r.Span.File.Name)
		}
		if r.Action == "" || len(r.References) == 0 || len(r.Controls) == 0 {
			t.Errorf("%s lacks an action, references or controls", r.ID)
		}
		for _, c := range r.Controls {
			if !controls.MatchString(c) {
				t.Errorf("%s: control %s is of no known catalogue", r.ID, c)
			}
		}
		for _, c := range r.References {
			if !strings.HasPrefix(c, "https://") {
				t.Errorf("%s: reference %s", r.ID, c)
			}
		}
	}
}

// TestRego runs the tests of the built-in rules, which evaluate every line.
func TestRego(t *testing.T) {
	files, err := guard.OpenWithTests("../../rego")
	if err != nil {
		t.Fatal(err)
	}
	list := &diag.List{}
	tested := guard.RunTests(files, nil, time.Minute, list)
	if list.HasErrors() {
		t.Fatalf("\n%s", printed(t, list.Sorted()))
	}
	perRule := map[string]int{}
	for _, test := range tested.Tests {
		perRule[filepath.Dir(test.File)]++
		if test.Failure != "" {
			t.Errorf("%s:%d: %s: %s", test.File, test.Line, test.Name, test.Failure)
		}
	}
	for _, c := range tested.Coverage {
		if len(c.Missed) > 0 {
			t.Errorf("%s: no test evaluates lines %v", c.File, c.Missed)
		}
	}
	for _, r := range builtIn(t) {
		if dir := "../../rego/" + r.ID; perRule[dir] < 2 {
			t.Errorf("%s has %d tests, want one that finds and one that is clean", r.ID, perRule[dir])
		}
	}
}
