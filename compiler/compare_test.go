// SPDX-License-Identifier: Apache-2.0

package compiler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/diff"
)

func head(name string) string {
	return "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: " + name + ", namespace: shop}\nspec:\n  selector: {matchLabels: {app: " + name + "}}\n"
}

// rules writes a policy of many rules, of which the last one may be left out.
func rules(n int, last bool) string {
	var b strings.Builder
	b.WriteString(head("many"))
	process, file := "  process:\n    default: Block\n    rules:\n", "  file:\n    default: Allow\n    rules:\n"
	for i := range n / 2 {
		from := ""
		if i%10 == 0 {
			from = fmt.Sprintf(", from: {exe: [/opt/app%d/bin/start]}", i%16)
		}
		if last || i < n/2-1 {
			process += fmt.Sprintf("      - {name: r%d, action: Allow, paths: [\"/opt/app%d/bin/*\", \"/usr/{,local/}share/app%d/**\"]%s}\n", i, i, i, from)
		}
		file += fmt.Sprintf("      - {name: r%d, action: Block, access: [write, create], paths: [\"/srv/data%d/**/*.conf\"], names: [secret%d]}\n", i, i, i)
	}
	b.WriteString(process + file)
	return b.String()
}

// many writes policies, one of which may allow more.
func many(n int, wide bool) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "---\n%s", head(fmt.Sprint("p", i)))
		path := fmt.Sprintf("/opt/app%d/bin/start", i)
		if wide && i == n/2 {
			path = "/opt/*/bin/start"
		}
		fmt.Fprintf(&b, "  process:\n    default: Block\n    rules:\n      - {name: start, action: Allow, paths: [%s]}\n      - {name: shell, action: Allow, paths: [\"/usr/bin/{dash,bash}\"], from: {exe: [/opt/app%d/bin/start]}}\n", path, i)
		fmt.Fprintf(&b, "  file:\n    default: Allow\n    rules:\n      - {name: etc, action: Block, access: [write, create, delete], paths: [\"/etc/**\", \"/usr/**\"]}\n")
		fmt.Fprintf(&b, "  network:\n    default: Block\n    rules:\n      - {name: db, action: Allow, direction: Egress, peers: [{cidr: 10.%d.0.0/16}], ports: [{port: 5432}]}\n", i%256)
	}
	return b.String()
}

// scopes reads and compares two revisions, as the command does.
func scopes(t testing.TB, old, new string) []diff.Scope {
	t.Helper()
	results := [2]*compiler.Result{}
	for i, text := range []string{old, new} {
		results[i] = compiler.Understand(compiler.Input{Files: []*diag.File{diag.NewFile("policy.yaml", []byte(text))}})
		if results[i].HasErrors() {
			t.Fatalf("%v", results[i].Findings[0])
		}
	}
	found, err := compiler.Compare(results[0], results[1])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestCompare: of a large policy and of many, exactly the change is found.
func TestCompare(t *testing.T) {
	if found := scopes(t, rules(200, true), rules(200, true)); len(found) != 0 {
		t.Errorf("no change: %s", diff.Text(found))
	}
	found := scopes(t, rules(200, false), rules(200, true))
	if len(found) != 1 || len(found[0].Changes) != 1 || !found[0].Changes[0].Widens() || found[0].Changes[0].After.Rule.Rule != "process/r99" {
		t.Errorf("one rule more: %s", diff.Text(found))
	}
	found = scopes(t, many(40, false), many(40, true))
	if len(found) != 1 || found[0].Name != "shop/p20" || len(found[0].Changes) != 1 || !found[0].Changes[0].Endless {
		t.Errorf("one policy wider: %s", diff.Text(found))
	}
}

// BenchmarkDiffRules compares two revisions of a policy of 1,000 rules, reading
// included.
func BenchmarkDiffRules(b *testing.B) {
	old, new := rules(1000, false), rules(1000, true)
	for b.Loop() {
		if len(scopes(b, old, new)) != 1 {
			b.Fatal("not one scope")
		}
	}
}

// BenchmarkDiffPolicies compares 1,000 policies, of which one is changed, reading
// included.
func BenchmarkDiffPolicies(b *testing.B) {
	old, new := many(1000, false), many(1000, true)
	for b.Loop() {
		if len(scopes(b, old, new)) != 1 {
			b.Fatal("not one scope")
		}
	}
}
