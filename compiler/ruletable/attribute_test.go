// SPDX-License-Identifier: Apache-2.0

package ruletable_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/avert-dev/avert/compiler/check"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

// checkout is the unit of testdata/policy.yaml.
func checkout(t *testing.T) *ir.Unit {
	t.Helper()
	source, err := os.ReadFile("testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	list := &diag.List{}
	program := lower.Program(check.Documents([]*diag.File{diag.NewFile("testdata/policy.yaml", source)}, list), list)
	if list.HasErrors() || len(program.Units) != 1 {
		t.Fatalf("%d units, %v", len(program.Units), list.Sorted())
	}
	return program.Units[0]
}

// TestAttribute names rules from what kernels tell.
func TestAttribute(t *testing.T) {
	_, data, err := ruletable.File(checkout(t), "avert.u", ruletable.Domain{Name: "d1", Exe: []int{0}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := ruletable.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	node := ruletable.Lineage{Images: []string{"/usr/bin/node"}}
	file := func(access policy.Access, path string, l ruletable.Lineage) ruletable.Operation {
		return ruletable.Operation{Denied: true, Section: policy.File, Access: access, Object: policy.Object{Path: path}, Lineage: l}
	}
	exec := func(path string, l ruletable.Lineage) ruletable.Operation {
		return ruletable.Operation{Denied: true, Section: policy.Process, Object: policy.Object{Path: path}, Lineage: l}
	}
	for _, test := range []struct {
		name string
		op   ruletable.Operation
		want string
	}{
		{"a rule", file(policy.AccessRead, "/run/secrets/token", ruletable.Lineage{}), "file/token certain"},
		{"several ways of use", file(policy.AccessRead|policy.AccessWrite, "/run/secrets/token", ruletable.Lineage{}), "file/token certain"},
		{"no rule refuses", file(policy.AccessRead, "/etc/passwd", ruletable.Lineage{}), "none"},
		{"an unknown path", ruletable.Operation{Denied: true, Section: policy.File, Access: policy.AccessRead, NoObject: true}, "file/token"},
		{"a condition that may hold", exec("/bin/sh", ruletable.Lineage{}), "process/shell"},
		{"a condition that holds", exec("/bin/sh", node), "process/shell certain"},
		{"a condition that does not hold", exec("/bin/sh", ruletable.Lineage{Images: []string{"/x"}}), "process/default certain"},
		{"a condition by the domain", exec("/bin/sh", ruletable.Lineage{Domain: "d1"}), "process/shell certain"},
		{"a domain that is not in the table", exec("/bin/sh", ruletable.Lineage{Domain: "d2"}), "process/shell"},
		{"a name", exec("/usr/bin/curl", node), "process/tools certain"},
		{"a default", exec("/usr/bin/python", node), "process/default certain"},
		{"a loader", exec("/lib64/ld-linux-x86-64.so.2", node), "process/(loader) certain"},
		{"mapping a program", file(policy.AccessMap, "/usr/bin/curl", node), "process/tools certain"},
		{"a capability", ruletable.Operation{Denied: true, Section: policy.Capabilities, Capability: "SYS_ADMIN"}, "capabilities/default certain"},
		{"an allowed capability", ruletable.Operation{Denied: true, Section: policy.Capabilities, Capability: "NET_BIND_SERVICE"}, "none"},
		{"mount", ruletable.Operation{Denied: true, Section: policy.System, System: policy.Mount}, "system/default certain"},
		{"a raw socket", ruletable.Operation{Denied: true, Section: policy.Network, Flow: ruletable.Flow{Family: "packet", Type: "raw"}}, "network/raw certain"},
		{"a socket of any kind", ruletable.Operation{Denied: true, Section: policy.Network, Flow: ruletable.Flow{Family: "inet", Type: "stream"}}, "network/default certain"},
		{"audited", ruletable.Operation{Section: policy.Process, Object: policy.Object{Path: "/bin/probe"}}, "process/probe certain"},
	} {
		got := "none"
		if m, ok := table.Attribute(test.op); ok {
			got = m.Rule
			if m.Certain {
				got += " certain"
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	var would []string
	for _, m := range table.Would(file(policy.AccessWrite, "/var/log/x", ruletable.Lineage{})) {
		would = append(would, fmt.Sprint(m.Policy.Name, " ", m.Rule, " ", m.Certain))
	}
	if len(would) != 1 || would[0] != "trial file/logs true" {
		t.Errorf("would: %q", would)
	}
}
