// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/vm"
)

const page = "../../../docs/performance.md"

// table is a part of the page that is made of results.
var table = regexp.MustCompile(`(?s)(<!-- measured: (\w+) -->\n\n).*?(\n<!-- end -->\n)`)

// TestPage holds that the tables of the documentation say what was measured.
func TestPage(t *testing.T) {
	have, err := os.ReadFile(page)
	needs.NoError(t, err)
	results := stored(t)
	tables := map[string]string{"opens": opensTable(t, results), "others": othersTable(t, results), "loads": loadsTable(t, results)}
	got := table.ReplaceAllStringFunc(string(have), func(part string) string {
		m := table.FindStringSubmatch(part)
		text := tables[m[2]]
		if text == "" {
			t.Errorf("the page wants a table %q", m[2])
		}
		delete(tables, m[2])
		return m[1] + text + m[3]
	})
	for name := range tables {
		t.Errorf("the page has no table %q", name)
	}
	if *update {
		needs.NoError(t, os.WriteFile(page, []byte(got), 0o644))
	}
	if diff := cmp.Diff(string(have), got); diff != "" && !*update {
		t.Errorf("%s is not what testdata says: go test ./internal/kerneltest/bench -run TestPage -update\n%s", page, diff)
	}
}

// rows are those of the tables, in their order; a row without a name in one of them is not in it.
var rows = []string{
	"eBPF LSM, rules: 1", "eBPF LSM, rules: 100", "eBPF LSM, rules: 1000", "eBPF LSM, rules: 10000", "eBPF LSM, rules: 100, policies: 100", "eBPF LSM, not governed",
	"AppArmor, rules: 1", "AppArmor, rules: 100", "AppArmor, rules: 1000", unconfined, "linear scan of 50 prefixes, opens only",
}

func opensTable(t *testing.T, results map[string]Costs) string {
	var b strings.Builder
	b.WriteString("| | 16 bytes | 64 bytes | 256 bytes |\n| --- | --- | --- | --- |\n")
	line(&b, "*nothing enforces: the whole operation*", results[nothing], nil, opens...)
	for _, row := range rows {
		line(&b, row, need(t, results, row), need(t, results, base(row)), opens...)
	}
	return b.String()
}

var opens = []string{Open(Paths[0]), Open(Paths[1]), Open(Paths[2])}

func othersTable(t *testing.T, results map[string]Costs) string {
	var b strings.Builder
	b.WriteString("| | create and delete a file | fork, execute and wait |\n| --- | --- | --- |\n")
	line(&b, "*nothing enforces: the whole operation*", results[nothing], nil, Make, Exec)
	for _, row := range rows {
		if !strings.HasPrefix(row, "linear") {
			line(&b, row, need(t, results, row), need(t, results, base(row)), Make, Exec)
		}
	}
	return b.String()
}

func loadsTable(t *testing.T, results map[string]Costs) string {
	var b strings.Builder
	b.WriteString("| kernel | the first image |\n| --- | --- |\n")
	for _, kernel := range vm.Kernels {
		fmt.Fprintf(&b, "| %s | %.2f |\n", kernel, float64(need(t, results, kernel)[Loading])/1e9)
	}
	return b.String()
}

// need returns the costs of a row.
func need(t *testing.T, results map[string]Costs, row string) Costs {
	t.Helper()
	if results[row] == nil {
		t.Fatalf("testdata has no %q: go test ./internal/kerneltest/bench -run '^$' -bench . -update", row)
	}
	return results[row]
}

// line writes a row of a table: what operations cost more than in another row, or in all.
func line(b *strings.Builder, title string, costs, than Costs, operations ...string) {
	fmt.Fprintf(b, "| %s |", title)
	for _, operation := range operations {
		n := costs[operation] - than[operation]
		fmt.Fprintf(b, " %s", thousands(n))
		if operation == Exec && than != nil {
			fmt.Fprintf(b, " (%.1f %%)", 100*float64(n)/float64(than[operation]))
		}
		b.WriteString(" |")
	}
	b.WriteString("\n")
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
