// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/check"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// policyOf writes a policy with a mode and a part of its spec.
func policyOf(name, mode, spec string) string {
	return fmt.Sprintf("---\napiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: %s, namespace: shop}\nspec:\n  selector: {matchLabels: {app: a}}\n  mode: %s\n%s", name, mode, spec)
}

// pod is what the policies govern together.
const pod = `---
apiVersion: v1
kind: Pod
metadata: {name: w, namespace: shop, labels: {app: a}}
spec: {containers: [{name: c, image: x}]}
`

// programOf compiles policies and the pod.
func programOf(t *testing.T, policies ...string) *ir.Program {
	t.Helper()
	list := &diag.List{}
	text := strings.Join(policies, "") + pod
	program := lower.Program(check.Documents([]*diag.File{diag.NewFile("input.yaml", []byte(text))}, list), list)
	if list.HasErrors() || len(program.Units) != 1 {
		t.Fatalf("%d units, %v", len(program.Units), list.Sorted())
	}
	return program
}

func poolOf(major, minor uint16) *platform.Pool {
	return &platform.Pool{Name: "p", Kernel: linux.KernelVersion{Major: major, Minor: minor}, LSMs: []string{"capability", "bpf"}, Architectures: []linux.Arch{linux.AMD64}}
}

func TestTakes(t *testing.T) {
	arm := func(p *platform.Pool) *platform.Pool {
		p.Architectures = append(p.Architectures, linux.ARM64)
		return p
	}
	without := poolOf(6, 12)
	without.LSMs = []string{"capability", "apparmor"}
	for _, c := range []struct {
		pool *platform.Pool
		want string
	}{
		{poolOf(5, 10), ""}, {poolOf(6, 12), ""}, {arm(poolOf(6, 4)), ""},
		{poolOf(5, 9), "kernel 5.10 on amd64"}, {arm(poolOf(6, 3)), "kernel 6.4 on arm64"}, {without, "bpf is not among"},
	} {
		err := Target.Takes(c.pool)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.pool.Kernel, c.pool.Architectures, err, c.want)
		}
		if Target.Default(c.pool) {
			t.Error("a pool gets images without asking")
		}
	}
}

// TestFiles: a unit has an image when the programs decide anything about it.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name     string
		policies []string
		want     bool
	}{
		{"process", []string{policyOf("p", "Enforce", "  process: {default: Block}\n")}, true},
		{"file to audit", []string{policyOf("p", "Audit", "  file: {default: Audit}\n")}, true},
		{"system", []string{policyOf("p", "Enforce", "  system: {rules: [{name: m, action: Audit, operations: [mount]}]}\n")}, true},
		{"network with a lineage", []string{policyOf("p", "Enforce", "  network: {default: Block, rules: [{name: n, action: Block, families: [packet], from: {exe: [/x]}}]}\n")}, false},
		{"capabilities", []string{policyOf("p", "Enforce", "  capabilities: {default: Block}\n")}, false},
	} {
		program := programOf(t, c.policies...)
		out := Target.Emit(emit.Input{Program: program, Pool: poolOf(6, 12)})
		if len(out.Findings) != 0 || (len(out.Files) == 1) != c.want {
			t.Errorf("%s: %d files, %v", c.name, len(out.Files), out.Findings)
			continue
		}
		if !c.want {
			continue
		}
		f := out.Files[0]
		if f.Kind != emit.NodeFile || f.Name != program.Units[0].Name+".img" || f.CommentMark() != "" || len(f.Sources) != 1 {
			t.Errorf("%s: file %s of kind %d with %d sources", c.name, f.Name, f.Kind, len(f.Sources))
		}
		id := open(t, f.Data).identity
		if id.Unit != program.Units[0].Name || id.Namespace != "shop" || !cmp.Equal(id.Policies, []string{"shop/p"}) || !strings.HasPrefix(id.Revision, "sha256:") {
			t.Errorf("%s: identity %+v", c.name, id)
		}
	}
}

// TestRevision: an image names the sources that it was made from.
func TestRevision(t *testing.T) {
	revision := func(spec string) string {
		return open(t, imageFor(t, programOf(t, policyOf("p", "Enforce", spec)).Units[0])).identity.Revision
	}
	if a, b := revision("  process: {default: Block}\n"), revision("  process: {default: Block} # again\n"); a == b {
		t.Errorf("two sources are revision %s", a)
	}
}

// TestJointLineage: policies share atoms and conditions, those that are enforced
// first.
func TestJointLineage(t *testing.T) {
	u := programOf(t,
		policyOf("audit", "Audit", "  process: {default: Allow, rules: [{name: a, action: Block, paths: [/x], from: {exe: [/b]}}, {name: b, action: Block, paths: [/x], from: {exe: [/a]}}]}\n"),
		policyOf("enforced", "Enforce", "  process: {default: Allow, rules: [{name: a, action: Block, paths: [/x], from: {exe: [/a], ancestor: [/c]}}, {name: b, action: Block, paths: [/y], from: {exe: [/a]}}]}\n"),
	).Units[0]
	w := open(t, imageFor(t, u))
	if want := [][]string{{"/a"}, {"/c"}, {"/b"}}; !cmp.Equal(w.identity.Atoms, want) {
		t.Errorf("atoms %v, want %v", w.identity.Atoms, want)
	}
	if w.head.Conditions != 3 || w.head.Parents != 0 || w.head.Ancestors != 1<<1 {
		t.Errorf("%d conditions, parents %b, ancestors %b", w.head.Conditions, w.head.Parents, w.head.Ancestors)
	}
	for _, c := range []struct {
		lineage []string
		path    string
		want    [2]policy.Action
	}{
		{nil, "/x", [2]policy.Action{policy.Allow, policy.Allow}},
		{[]string{"/a"}, "/x", [2]policy.Action{policy.Allow, policy.Block}},
		{[]string{"/a"}, "/y", [2]policy.Action{policy.Block, policy.Allow}},
		{[]string{"/c", "/a"}, "/x", [2]policy.Action{policy.Block, policy.Block}},
		{[]string{"/b"}, "/x", [2]policy.Action{policy.Allow, policy.Block}},
	} {
		for layer, want := range c.want {
			op := policy.Operation{Kind: policy.OpExec, Lineage: c.lineage, Images: []policy.Object{{Path: c.path}}}
			if got := w.decide(layer, op); got.action != want {
				t.Errorf("layer %d, %v executes %s: %s, want %s", layer, c.lineage, c.path, got.action, want)
			}
		}
	}
}

// TestTooMuch: what an image cannot hold is a finding that says so.
func TestTooMuch(t *testing.T) {
	rules := func(n int, rule func(i int) string) string {
		var b strings.Builder
		b.WriteString("  process:\n    default: Allow\n    rules:\n")
		for i := range n {
			fmt.Fprintf(&b, "      - {name: r%d, action: Block, %s}\n", i, rule(i))
		}
		return b.String()
	}
	lists := func(prefix string, n int) string {
		return rules(n, func(i int) string { return fmt.Sprintf("paths: [/x], from: {exe: [/%s%d]}", prefix, i) })
	}
	audit := func(n int) []string {
		var out []string
		for i := range n {
			out = append(out, policyOf(fmt.Sprintf("p%d", i), "Audit", "  process: {default: Block}\n"))
		}
		return out
	}
	pairs := func(n int) string {
		return rules(n, func(i int) string { return fmt.Sprintf("paths: [/x], from: {exe: [/a%d], parent: [/a%d]}", i%8, i/8) })
	}
	// Every set of accesses, so that every path has a cell of its own.
	cells := func() string {
		var b strings.Builder
		b.WriteString("  file:\n    default: Block\n    rules:\n")
		for _, action := range []string{"Allow", "Audit", "Block"} {
			for set := 1; set < 1<<11; set++ {
				var names []string
				for _, n := range policy.AccessNames[:11] {
					if set&int(n.Access) != 0 {
						names = append(names, n.Name)
					}
				}
				fmt.Fprintf(&b, "      - {name: %s%d, action: %s, access: [%s], paths: [/%s/%d]}\n", strings.ToLower(action), set, action, strings.Join(names, ", "), action, set)
			}
		}
		return b.String()
	}
	for _, c := range []struct {
		name     string
		policies []string
		want     string
	}{
		{"three audits", audit(3), ""},
		{"four audits", audit(4), "4 policies in mode Audit govern one container, and an image holds 3"},
		{"63 conditions", []string{policyOf("p", "Enforce", pairs(63))}, ""},
		{"64 conditions", []string{policyOf("p", "Enforce", pairs(64))}, "64 conditions on lineages, and an image holds 63"},
		{"63 atoms", []string{policyOf("p", "Enforce", lists("a", 31)), policyOf("q", "Audit", lists("b", 32))}, ""},
		{"atoms", []string{policyOf("p", "Enforce", lists("a", 33)), policyOf("q", "Audit", lists("b", 32))}, "65 lists of patterns, and an image holds 64"},
		{"cells", []string{policyOf("p", "Enforce", cells())}, ""},
		{"cells of two layers", []string{policyOf("p", "Enforce", cells()), audit(1)[0]}, "bytes or more, at most 4194304 are possible"},
	} {
		out := Target.Emit(emit.Input{Program: programOf(t, c.policies...), Pool: poolOf(6, 12)})
		if c.want == "" {
			if len(out.Findings) != 0 || len(out.Files) != 1 {
				t.Errorf("%s: %d files, %v", c.name, len(out.Files), out.Findings)
				continue
			}
			open(t, out.Files[0].Data)
			continue
		}
		if len(out.Files) != 0 || len(out.Findings) != 1 {
			t.Errorf("%s: %d files, %v", c.name, len(out.Files), out.Findings)
			continue
		}
		if f := out.Findings[0]; f.Code != diag.StateBudget || f.Severity != diag.Error || !strings.Contains(f.Message, c.want) {
			t.Errorf("%s: %s %q, want %q", c.name, f.Code, f.Message, c.want)
		}
	}
}
