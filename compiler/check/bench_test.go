// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/diag"
)

// checkouts are policies like the one that describes the language, each of its
// own application.
func checkouts(b *testing.B, n int) []*diag.File {
	text := read(b, "testdata/checkout.yaml")
	files := make([]*diag.File, n)
	for i := range files {
		files[i] = diag.NewFile(fmt.Sprintf("policy%d.yaml", i), bytes.ReplaceAll(text, []byte("checkout"), fmt.Appendf(nil, "checkout-%d", i)))
	}
	return files
}

func benchmark(b *testing.B, files []*diag.File) {
	pools := DefaultPools()
	b.ReportAllocs()
	for b.Loop() {
		list := &diag.List{}
		set := Documents(files, list)
		Meaning(set, pools, list)
		if list.HasErrors() {
			b.Fatal(list.Sorted()[0])
		}
	}
}

func BenchmarkOnePolicy(b *testing.B)        { benchmark(b, checkouts(b, 1)) }
func BenchmarkThousandPolicies(b *testing.B) { benchmark(b, checkouts(b, 1000)) }

// mixed is one policy of n rules: paths, directories, inner wildcards, half of
// them Blocks.
func mixed(n int) string {
	var b strings.Builder
	b.WriteString("  file:\n    default: Audit\n    rules:\n")
	for i := range n {
		action := []string{"Allow", "Block"}[i%2]
		pattern := fmt.Sprintf("/srv/app%d/data/file%d.txt", i%97, i)
		switch i % 20 {
		case 3, 6, 11, 14, 19:
			pattern = fmt.Sprintf("/srv/app%d/dir%d/**", i%97, i)
		case 7, 12, 17:
			pattern = fmt.Sprintf("/srv/app%d/*/conf%d/*.{json,yaml}", i%97, i)
		}
		fmt.Fprintf(&b, "      - {name: r%d, action: %s, access: [read, write], paths: [%q]}\n", i, action, pattern)
	}
	return policyWith(b.String())
}

func BenchmarkTenThousandRules(b *testing.B) {
	benchmark(b, []*diag.File{diag.NewFile("mixed.yaml", []byte(mixed(10_000)))})
}
