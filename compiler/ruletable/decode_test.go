// SPDX-License-Identifier: Apache-2.0

package ruletable_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

func golden(t testing.TB) []byte {
	data, err := os.ReadFile("testdata/table.rules.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRefused: what is wrong with a table is said in words.
func TestRefused(t *testing.T) {
	good := string(golden(t))
	for _, test := range []struct{ old, new, want string }{
		{good, "", "not a rule table"},
		{good, "{}", "version 0"},
		{good, "[1]", "not a rule table"},
		{good, strings.Repeat(" ", ruletable.MaxBytes+1), "more than"},
		{good, good + "x", "not a rule table"},
		{`"version":1`, `"version":2`, "version 2; this program reads version 1"},
		{`"unit":"shop-checkout+trial_pod-web_app"`, `"unit":""`, "no name"},
		{`"mode":"Enforce"`, `"mode":"enforce"`, `unknown mode "enforce"`},
		{`"namespace":"shop"`, `"namspace":"shop"`, "unknown field"},
		{`"action":"Block"`, `"action":"Deny"`, `unknown action "Deny"`},
		{`"rule":"file/token"`, `"rule":"files/token"`, `unknown section "files"`},
		{`"rule":"file/token"`, `"rule":"file"`, `rule "file"`},
		{`"access":["read"]`, `"access":["reads"]`, `access "reads"`},
		{`"paths":["/run/`, `"paths":["run/`, "pattern"},
		{`"from":{"exe":0}`, `"from":{"exe":7}`, "lineage 7 is not in the table"},
		{`"from":{"exe":0}`, `"from":{"exe":-1}`, "lineage -1 is not in the table"},
		{`"exe":[0]`, `"exe":[9]`, "lineage 9"},
		{`"name":"d1"`, `"name":""`, "no name of its own"},
		{`"direction":"Egress"`, `"direction":"Out"`, `unknown direction "Out"`},
		{`"cidr":"10.0.0.0/8"`, `"cidr":"10.0.0.0"`, `network "10.0.0.0"`},
		{`"line":3`, `"line":-3`, "line -3"},
	} {
		text := strings.Replace(good, test.old, test.new, 1)
		if text == good {
			t.Errorf("%q is not in the table", test.old)
		}
		_, err := ruletable.Decode([]byte(text))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%.60q: %v, want %q", test.new, err, test.want)
		}
	}
}

// TestGolden holds the bytes of a table and the places that it names.
func TestGolden(t *testing.T) {
	unit := checkout(t)
	name, data, err := ruletable.File(unit, "avert.u", ruletable.Domain{Name: "d1", Exe: []int{0}})
	if err != nil {
		t.Fatal(err)
	}
	if name != "shop-checkout+trial_pod-web_app.rules.json" {
		t.Errorf("the file is %q", name)
	}
	if os.Getenv("AVERT_UPDATE") != "" {
		if err := os.WriteFile("testdata/table.rules.json", data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(golden(t)), string(data)); diff != "" {
		t.Errorf("AVERT_UPDATE=1 writes it anew (-committed +now):\n%s", diff)
	}
	table, err := ruletable.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(source, []byte("\n"))
	for _, p := range table.Policies {
		if want := "sha256:" + diag.NewFile("", source).Hash(); p.Revision != want || p.File != "testdata/policy.yaml" {
			t.Errorf("%s has revision %s of %s, want %s", p.ID(), p.Revision, p.File, want)
		}
		for _, r := range p.Rules {
			_, name, _ := strings.Cut(r.Rule, "/")
			if text := lines[r.Line-1]; !bytes.Contains(text, []byte("name: "+name)) {
				t.Errorf("%s is at line %d, which is %q", r.Rule, r.Line, text)
			}
		}
	}
}

// FuzzDecode: no input makes the reader panic, and what it takes it can ask.
func FuzzDecode(f *testing.F) {
	f.Add(golden(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := ruletable.Decode(data)
		if err != nil {
			return
		}
		again, err := ruletable.Decode(table.Encode())
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		for _, s := range policy.Sections {
			op := ruletable.Operation{Denied: true, Section: s, Access: policy.AccessMap | policy.AccessRead, Object: policy.Object{Path: "/bin/sh"}, Lineage: ruletable.Lineage{Images: []string{"/bin/sh", "/x"}}}
			one, ok := table.Attribute(op)
			other, same := again.Attribute(op)
			if ok != same || ok && one.Rule != other.Rule {
				t.Fatalf("%v and %v", one, other)
			}
			table.Would(op)
		}
	})
}
