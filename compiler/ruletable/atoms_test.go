// SPDX-License-Identifier: Apache-2.0

package ruletable_test

import (
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

// TestAtoms: where the kernel tells the lineage, nothing is left open, in policies
// of either mode.
func TestAtoms(t *testing.T) {
	zero, one := 0, 1
	table := decode(t, &ruletable.Table{
		Version: ruletable.Version, Unit: "u", Label: "u", Lineage: [][]string{{"/bin/a"}, {"/bin/b"}},
		Policies: []*ruletable.Policy{
			{Name: "enforced", Mode: "Enforce", Rules: []*ruletable.Rule{
				{Rule: "file/exe", Action: "Block", Access: []string{"read"}, Paths: []string{"/x"}, From: &ruletable.From{Exe: &zero}},
				{Rule: "file/both", Action: "Block", Access: []string{"read"}, Paths: []string{"/x"}, From: &ruletable.From{Exe: &one, Ancestor: &zero}},
			}},
			{Name: "trial", Mode: "Audit", Rules: []*ruletable.Rule{
				{Rule: "file/parent", Action: "Block", Access: []string{"read"}, Paths: []string{"/x"}, From: &ruletable.From{Parent: &one}},
			}},
		},
	})
	for _, test := range []struct {
		atoms           ruletable.Atoms
		enforced, trial string
	}{
		{ruletable.Atoms{}, "", ""},
		{ruletable.Atoms{Exe: 1}, "file/exe", ""},
		{ruletable.Atoms{Exe: 2}, "", ""},
		{ruletable.Atoms{Exe: 2, Ancestor: 1}, "file/both", ""},
		{ruletable.Atoms{Exe: 2, Parent: 2, Ancestor: 3}, "file/both", "file/parent"},
		{ruletable.Atoms{Ancestor: 3, Parent: 1}, "", ""},
	} {
		op := ruletable.Operation{
			Denied: true, Section: policy.File, Access: policy.AccessRead, Object: policy.Object{Path: "/x"},
			// Images would say otherwise, and do not count.
			Lineage: ruletable.Lineage{Images: []string{"/bin/b", "/bin/a"}, Atoms: &test.atoms},
		}
		m, ok := table.Attribute(op)
		if m.Rule != test.enforced || m.Certain != ok {
			t.Errorf("%+v: %s certain %v, want %q", test.atoms, m.Rule, m.Certain, test.enforced)
		}
		would := ""
		for _, m := range table.Would(op) {
			would = m.Rule
			if !m.Certain {
				t.Errorf("%+v: %s is uncertain", test.atoms, m.Rule)
			}
		}
		if would != test.trial {
			t.Errorf("%+v: would %s, want %q", test.atoms, would, test.trial)
		}
	}
}

// TestCarried: what blocks the one name and not the other is named, else who
// blocks anything.
func TestCarried(t *testing.T) {
	table := decode(t, &ruletable.Table{
		Version: ruletable.Version, Unit: "u", Label: "u",
		Policies: []*ruletable.Policy{
			{Name: "none", Mode: "Enforce", Line: 1},
			{Name: "some", Mode: "Enforce", Line: 2, Rules: []*ruletable.Rule{
				{Rule: "process/tool", Action: "Block", Line: 3, Names: []string{"tool"}},
				{Rule: "file/secret", Action: "Block", Line: 4, Quiet: true, Access: []string{"read"}, Paths: []string{"/secret/**"}},
			}},
		},
	})
	for _, test := range []struct {
		from, to string
		line     int
		certain  bool
	}{
		{"/secret/x", "/public", 4, true},
		{"/bin/tool", "/bin/other", 3, true},
		{"/bin/tool", "/usr/tool", 2, false},
		{"/secret", "/public", 2, false},
	} {
		m, ok := table.Attribute(ruletable.Operation{
			Denied: true, Section: policy.File, Carried: true, Object: policy.Object{Path: test.from}, Target: policy.Object{Path: test.to},
		})
		if !ok || m.Rule != "file/(carry-out)" || m.Policy.Name != "some" || m.Line != test.line || m.Certain != test.certain || m.Quiet {
			t.Errorf("%s to %s: %+v", test.from, test.to, m)
		}
	}
	if m, ok := table.Attribute(ruletable.Operation{Section: policy.File, Carried: true, Object: policy.Object{Path: "/secret/x"}}); ok {
		t.Errorf("nothing was refused: %+v", m)
	}
}

func decode(t *testing.T, table *ruletable.Table) *ruletable.Table {
	t.Helper()
	out, err := ruletable.Decode(table.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return out
}
