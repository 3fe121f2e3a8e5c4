// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/syntax"
)

func policyWith(spec string) string {
	return "apiVersion: " + syntax.APIVersion + "\nkind: RuntimePolicy\nmetadata: {name: web}\nspec:\n  selector: {}\n" + spec
}

func pathsPolicy(patterns ...string) string {
	return policyWith("  process: {default: Block, rules: [{name: a, action: Allow, paths: ['" + strings.Join(patterns, "', '") + "']}]}\n")
}

// bomb doubles nodes with each level of aliases.
func bomb(levels int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x]\n")
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	return b.String()
}

func TestHostileInput(t *testing.T) {
	nested := func(open, middle, end string, n int) string {
		return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
	}
	var blocks strings.Builder
	for i := range 10_000 {
		blocks.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for _, c := range []struct {
		name, text string
		want       diag.Code
	}{
		{"alias bomb", bomb(40), diag.TooLarge},
		{"alias bomb in a policy", policyWith("  containers: &a [x, x]\n  x: [*a]\n") + bomb(40), diag.TooLarge},
		{"merge bomb", "a: &a {<<: [*a]}", diag.TooLarge},
		{"alias of itself", "&a [*a]", diag.TooLarge},
		{"10,000 braces", nested("{a: ", "b", "}", 10_000), diag.TooLarge},
		{"10,000 open braces", strings.Repeat("{", 10_000), diag.TooLarge},
		{"10,000 brackets", nested("[", "", "]", 10_000), diag.TooLarge},
		{"10,000 dashes", strings.Repeat("- ", 10_000), diag.TooLarge},
		{"10,000 question marks", strings.Repeat("? ", 10_000), diag.TooLarge},
		{"10,000 indented keys", blocks.String(), diag.TooLarge},
		{"depth by aliases", "a: &a " + nested("[", "", "]", 60) + "\nb: " + nested("[", "*a", "]", 60), diag.TooLarge},
		{"pairs of nothing", "{" + strings.Repeat(":,", syntax.MaxBytes/2-1) + "}", diag.TooLarge},
		{"empty lists", strings.Repeat("-\n", syntax.MaxBytes/2), diag.TooLarge},
		{"beyond the size", strings.Repeat("#", syntax.MaxBytes+1), diag.TooLarge},
		{"tag directives", strings.Repeat("%TAG !a! b\n", 1000), diag.TooLarge},
		{"not UTF-8", policyWith("  mode: \xff\n"), diag.InvalidText},
		{"UTF-16", "\xff\xfea\x00:\x00 \x00b\x00", diag.InvalidText},
		{"NUL", "a: \x00", diag.InvalidText},
		{"escape sequence", "a: \x1b[31m", diag.InvalidText},
		{"carriage return", "# a\rkind: b", diag.InvalidText},
		{"next line", "# a\u0085kind: b", diag.InvalidText},
		{"multiplying alternations", pathsPolicy("/" + strings.Repeat("{a,b,c,d}", 20)), diag.InvalidPattern},
		{"nested alternations", pathsPolicy("/" + nested("{a,", "b", "}", 1000)), diag.InvalidPattern},
		{"long pattern", pathsPolicy("/" + strings.Repeat("a", 1<<20)), diag.InvalidPattern},
		{"huge number", policyWith("  network: {default: Block, rules: [{name: a, action: Allow, ports: [{port: " + strings.Repeat("9", 1<<20) + "}]}]}"), diag.WrongType},
		{"number with exponent", policyWith("  network: {default: Block, rules: [{name: a, action: Allow, ports: [{port: 1e999999999}]}]}"), diag.WrongType},
		{"list as key", policyWith("  ? [a]\n  : b\n"), diag.WrongType},
		{"mapping as key", policyWith("  ? {a: b}\n  : b\n"), diag.WrongType},
		{"number as key", policyWith("  1: b\n"), diag.UnknownKey},
		{"null as key", policyWith("  ~: b\n"), diag.UnknownKey},
		{"tagged value", policyWith("  mode: !!binary QXVkaXQ=\n"), diag.WrongType},
		{"own tag", policyWith("  mode: !mode Audit\n"), diag.WrongType},
		{"regular expression", policyWith("  network: {default: Block, rules: [{name: a, action: Allow, ports: [{port: 80}], http: [{pathRegex: '" + nested("(", "a", "){1000}", 50) + "'}]}]}"), diag.InvalidHTTP},
		{"many findings", policyWith(strings.Repeat("  ? [a]\n  : b\n", 100_000)), diag.TooLarge},
		{"one long line of findings", "[" + strings.Repeat("{[a]: é}, ", 50_000) + "]", diag.TooLarge},
		{"an unknown key as long as the file", strings.Repeat("k", 1000) + ": b", diag.UnknownKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, list := run(map[string][]byte{"hostile.yaml": []byte(c.text)})
			runtime.ReadMemStats(&after)
			found := list.Sorted()
			for _, d := range found {
				if d.Code == c.want {
					if n := len(printed(t, list)); n > 2<<20 {
						t.Errorf("%d bytes are printed", n)
					}
					if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 1500 {
						t.Errorf("%d MiB were allocated", mib)
					}
					return
				}
			}
			t.Errorf("want %s, found %.2000s", c.want, printed(t, list))
		})
	}
}
