// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/emit"
)

// TestPages holds that the pages are as the code makes them.
func TestPages(t *testing.T) {
	texts, err := pages("..")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		have, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(have)); diff != "" {
			t.Errorf("%s is stale: run go generate ./docs\n%s", name, diff)
		}
	}
}

// TestEverythingHeldIsProven: an answer that something is held has a test.
func TestEverythingHeldIsProven(t *testing.T) {
	page, err := coverage("../..")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if strings.Contains(line, notProven) {
			t.Error(line)
		}
	}
}

func TestProofs(t *testing.T) {
	const source = `package p

// TestOne is a test.
//
//proves:apparmor file/read file/map
//proves:seccomp floor
func TestOne(t *testing.T) { vm.Matrix(t, nil) }

func TestTwo(t *testing.T) { run(table()) }

func table() []entry {
	return []entry{
		{name: "first"},
		{
			//proves:selinux system/bpf
			name: "second " + suffix,
		},
	}
}
`
	got, err := proofsIn("p_test.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	want := []proof{
		{"apparmor", "file/read", "p_test.go", "TestOne", "", true},
		{"apparmor", "file/map", "p_test.go", "TestOne", "", true},
		{"seccomp", "floor", "p_test.go", "TestOne", "", true},
		{"selinux", "system/bpf", "p_test.go", "TestTwo", "second", false},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(proof{})); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct {
		file, name string
		kernels    bool
	}{{evasionTest, "TestGoverned", true}, {"runtime/node/vm_test.go", "TestUpgrade", true}, {agreeTest, "TestAgreesWithReference", false}} {
		if kernels, err := onKernels("../../"+test.file, test.name); err != nil || kernels != test.kernels {
			t.Errorf("%s: on kernels: %v, %v", test.name, kernels, err)
		}
	}
	for _, name := range []string{"TestGone", "compile"} {
		if _, err := onKernels("../../"+agreeTest, name); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, source := range map[string]string{
		"no intent":              "package p\n\n//proves:apparmor\nfunc TestOne() {}\n",
		"no test":                "package p\n\n//proves:apparmor file/read\n\nvar x int\n",
		"a function of no test":  "package p\n\nfunc table() {\n\t//proves:apparmor file/read\n\t_ = entry{name: \"x\"}\n}\n",
		"no entry of a table":    "package p\n\nfunc TestOne() {\n\t//proves:apparmor file/read\n\tf()\n}\n",
		"a function that is not": "package p\n\n//proves:apparmor file/read\nfunc helper() {}\n",
	} {
		if got, err := proofsIn("p_test.go", []byte(source)); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCheckProofs: a test cannot claim what nobody says or holds.
func TestCheckProofs(t *testing.T) {
	all := []intent{{name: "file/read"}, {name: "file/times"}}
	held := []answers{{"apparmor": {"6.12": emit.Looser}}, {"apparmor": {"6.12": emit.None}}}
	for _, c := range []struct {
		target, intent string
		ok             bool
	}{{"apparmor", "file/read", true}, {"apparmor", "floor", true}, {"apparmor", "file/times", false}, {"apparmor", "file/raed", false}, {"apparmour", "floor", false}, {"seccomp", "file/read", false}} {
		if err := checkProofs([]proof{{target: c.target, intent: c.intent}}, all, held); (err == nil) != c.ok {
			t.Errorf("%s %s: %v", c.target, c.intent, err)
		}
	}
}
