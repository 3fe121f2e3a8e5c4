// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/check"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/internal/apparmorbin"
)

var update = flag.Bool("update", false, "rewrite the golden profiles")

// emitted compiles the documents of files.
func emitted(t *testing.T, files ...*diag.File) emit.Output {
	t.Helper()
	list := &diag.List{}
	program := lower.Program(check.Documents(files, list), list)
	if list.HasErrors() {
		t.Fatal(list.Sorted())
	}
	return Target.Emit(emit.Input{Program: program, Pool: &platform.Pool{
		Kernel: linux.KernelVersion{Major: 6, Minor: 12}, LSMs: []string{name}, Targets: []string{name, "securitycontext"},
	}})
}

// profilesOf are the texts of all profiles, in order.
func profilesOf(out emit.Output) []emit.File {
	return slices.DeleteFunc(slices.Clone(out.Files), func(f emit.File) bool { return strings.HasSuffix(f.Name, ".json") })
}

// loaded compiles a text as a node does, and reads the result.
func loaded(t *testing.T, text []byte) []*apparmorbin.Profile {
	t.Helper()
	policy, messages, err := apparmorbin.NewParser(t, "6.12").Policy(string(text))
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, messages, text)
	}
	profiles, err := apparmorbin.Load(policy)
	if err != nil {
		t.Fatal(err)
	}
	return profiles
}

// TestGolden: the text of profiles changes only where somebody sees it.
func TestGolden(t *testing.T) {
	const checkout = "../../../examples/checkout/"
	for name, inputs := range map[string][]string{
		"checkout": {checkout + "policy.yaml", checkout + "workload.yaml"},
		"audit":    {"testdata/audit.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			var files []*diag.File
			for _, input := range inputs {
				data, err := os.ReadFile(input)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, diag.NewFile(input, data))
			}
			profiles := profilesOf(emitted(t, files...))
			if len(profiles) != 1 {
				t.Fatalf("%d profiles", len(profiles))
			}
			golden := filepath.Join("testdata", name+".profile")
			if *update {
				if err := os.WriteFile(golden, profiles[0].Data, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(profiles[0].Data)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// policyOf is a policy with a pod that it governs.
func policyOf(policy, pod, container, spec string) *diag.File {
	return diag.NewFile("p.yaml", fmt.Appendf(nil, `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: %s, namespace: n}
spec:
  selector: {matchLabels: {app: a}}
  %s
---
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: n, labels: {app: a}}
spec: {containers: [{name: %s, image: i}]}
`, policy, strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  "), pod, container))
}

// TestLimits: a policy that needs more than AppArmor has is cut to what the parser takes. What is then not told apart is
// said of each rule, and the others are held.
func TestLimits(t *testing.T) {
	conditions := func(n int, condition string) string {
		var b strings.Builder
		b.WriteString("file:\n  default: Allow\n  rules:\n")
		for i := range n {
			fmt.Fprintf(&b, "    - {name: r%d, action: Block, access: [read], paths: [/f/%d], from: {%s}}\n", i, i, fmt.Sprintf(condition, i))
		}
		return b.String()
	}
	for _, c := range []struct {
		name, spec string
		limited    bool
	}{
		{"as many targets as there may be", conditions(maxTargets-1, "exe: [/bin/p%d]"), false},
		{"one target more", conditions(maxTargets, "exe: [/bin/p%d]"), true},
		{"many parents", conditions(20, "parent: [/bin/p%d]"), true},
		{"as many profiles as there may be", conditions(4, "ancestor: [/bin/p%d]"), false},
		{"too many profiles", conditions(9, "ancestor: [/bin/p%d]"), true},
		{"overlapping wildcards", conditions(16, "exe: [\"/opt/*%[1]d*/x\"]"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := emitted(t, policyOf("p", "a", "c", c.spec))
			if len(out.Findings) > 0 {
				t.Fatal(out.Findings)
			}
			profiles := loaded(t, profilesOf(out)[0].Data)
			if len(profiles) > maxProfiles {
				t.Errorf("%d profiles", len(profiles))
			}
			left := 0
			for _, l := range out.Lowerings {
				var i int
				if _, err := fmt.Sscanf(l.Rule, "file/r%d", &i); err != nil {
					continue
				}
				denied := slices.ContainsFunc(profiles, func(p *apparmorbin.Profile) bool {
					return !p.File(fmt.Sprintf("/f/%d", i), true).Has(apparmorbin.Read)
				})
				if denied != (l.Status != emit.None) {
					t.Errorf("%s is %s, and denied: %v", l.Rule, l.Status, denied)
				}
				if l.Status == emit.None {
					left++
				}
				if strings.Contains(l.Reason, ReasonLimit) != c.limited {
					t.Errorf("%s: %s", l.Rule, l.Reason)
				}
			}
			if c.limited && left == 0 {
				t.Error("every rule is held")
			}
			t.Logf("%d profiles, %d rules left out", len(profiles), left)
		})
	}
}

// TestLongNames: names as long as Kubernetes lets them be stay names of files and of profiles, each its own.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("a", 62)
	dotted := strings.Join([]string{long, long, long, long}, ".")
	seen := map[string]bool{}
	for _, names := range [][3]string{
		{long + "p", dotted, long + "b"},
		{long + "p", dotted, long + "c"},
		{long + "q", dotted, long + "b"},
		{long + "p", dotted[1:] + "b", long + "b"},
	} {
		out := emitted(t, policyOf(names[0], names[1], names[2], `
process: {default: Allow, rules: [{name: x, action: Block, paths: [/bin/x], from: {exe: [/bin/a]}}]}`))
		f := profilesOf(out)[0]
		if len(f.Name) > 255 || seen[f.Name] {
			t.Errorf("%d bytes, seen before: %v", len(f.Name), seen[f.Name])
		}
		seen[f.Name] = true
		profiles := loaded(t, f.Data)
		if profiles[0].Name != f.Name || len(profiles) != 2 || profiles[1].Name != f.Name+"//d1" {
			t.Errorf("the file %s has %d profiles, the first is %s", f.Name, len(profiles), profiles[0].Name)
		}
		if tr, ok := profiles[0].Exec("/bin/a", true); !ok || tr.Target != f.Name+"//&"+f.Name+"//d1" {
			t.Errorf("exec leads to %+v", tr)
		}
	}
}

// TestLongPatterns: a pattern that the parser would refuse is an error that names it, and the profile is still one.
func TestLongPatterns(t *testing.T) {
	pattern := "/" + strings.Repeat("{a,b*}*", 9)
	out := emitted(t, policyOf("p", "a", "c", `
file: {default: Allow, rules: [{name: x, action: Block, access: [read], paths: ["`+pattern+`", /y]}]}`))
	if len(out.Findings) != 1 || out.Findings[0].Severity != diag.Error || !strings.Contains(out.Findings[0].Message, pattern) {
		t.Errorf("findings: %v", out.Findings)
	}
	if profiles := loaded(t, profilesOf(out)[0].Data); profiles[0].File("/y", true).Has(apparmorbin.Read) {
		t.Error("/y is allowed")
	}
}
