// SPDX-License-Identifier: Apache-2.0

package ruletable_test

import (
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

const conditions = `{"version":1,"unit":"u","namespace":"n","label":"l","lineage":[["/p"],["/a"]],"policies":[
{"namespace":"n","name":"p","mode":"Enforce","file":"f","line":1,"revision":"","defaults":[{"section":"process","action":"Allow","line":2},{"section":"file","action":"Block","line":3}],"rules":[
{"rule":"process/loader","action":"Allow","line":4,"paths":["/lib/ld.so"],"from":{"exe":0}},
{"rule":"process/x","action":"Block","line":5,"paths":["/x"]},
{"rule":"file/parent","action":"Block","line":6,"paths":["/by-parent"],"access":["read"],"from":{"parent":0}},
{"rule":"file/ancestor","action":"Block","line":7,"paths":["/by-ancestor"],"access":["read"],"from":{"ancestor":1}},
{"rule":"file/map","action":"Allow","line":8,"paths":["/x"],"access":["map"],"from":{"exe":0}}
]}
]}`

// TestConditions: what is known of a lineage decides, and what is not known
// leaves several explanations.
func TestConditions(t *testing.T) {
	table, err := ruletable.Decode([]byte(conditions))
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) ruletable.Operation {
		return ruletable.Operation{Denied: true, Section: policy.File, Access: policy.AccessRead, Object: policy.Object{Path: path}}
	}
	loader := ruletable.Operation{Denied: true, Section: policy.Process, Object: policy.Object{Path: "/lib/ld.so"}}
	mapped := ruletable.Operation{Denied: true, Section: policy.File, Access: policy.AccessMap, Object: policy.Object{Path: "/x"}}
	for _, test := range []struct {
		op       ruletable.Operation
		complete bool
		images   []string
		want     string
	}{
		{read("/by-parent"), true, []string{"/p", "/b"}, "file/parent certain"},
		{read("/by-parent"), true, []string{"/p", "/b", "/c"}, "file/default certain"},
		{read("/by-parent"), true, []string{"/b", "/p"}, "file/default certain"},
		{read("/by-parent"), true, []string{"/p"}, "file/default certain"},
		{read("/by-parent"), false, []string{"/p"}, "file/parent"},
		{read("/by-parent"), false, []string{"/p", "/b"}, "file/parent certain"},
		{read("/by-ancestor"), true, []string{"/a", "/b", "/c"}, "file/ancestor certain"},
		{read("/by-ancestor"), true, []string{"/b", "/a"}, "file/default certain"},
		{read("/by-ancestor"), false, []string{"/b", "/c"}, "file/ancestor"},
		{read("/by-ancestor"), false, []string{"/a", "/c"}, "file/ancestor certain"},
		{loader, true, []string{"/b"}, "process/(loader) certain"},
		{loader, true, []string{"/p"}, "none"},
		{loader, false, nil, "process/(loader)"},
		// The default may not apply; the rule of process holds in any case.
		{mapped, false, nil, "process/x"},
		{mapped, true, []string{"/b"}, "file/default certain"},
		{mapped, true, []string{"/p"}, "process/x certain"},
	} {
		test.op.Lineage = ruletable.Lineage{Images: test.images, Complete: test.complete}
		got := "none"
		if m, ok := table.Attribute(test.op); ok {
			if got = m.Rule; m.Certain {
				got += " certain"
			}
		}
		if got != test.want {
			t.Errorf("%s %v after %q (all: %t): %s, want %s", test.op.Section, test.op.Object.Path, test.images, test.complete, got, test.want)
		}
	}
}
