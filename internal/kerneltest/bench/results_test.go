// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

// conclude reports what was measured as results of benchmarks. With -update it is also kept in testdata.
func conclude(b *testing.B, results map[string]Costs) {
	var lines strings.Builder
	for _, row := range slices.Sorted(maps.Keys(results)) {
		for _, operation := range slices.Sorted(maps.Keys(results[row])) {
			instructions := results[row][operation]
			fmt.Fprintf(&lines, "%s\t%s\t%d\n", row, operation, instructions)
			b.Run(row+"/"+operation, func(b *testing.B) {
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(instructions), "instructions/op")
				if base := results[base(row)]; base != nil && operation != Loading {
					b.ReportMetric(float64(instructions-base[operation]), "instructions-added/op")
				}
			})
		}
	}
	if *update {
		needs.NoError(b, os.WriteFile(filepath.Join("testdata", b.Name()+".txt"), []byte(lines.String()), 0o644))
	}
}

// base is the row that another one is compared with.
func base(row string) string {
	if strings.HasPrefix(row, "AppArmor, rules") {
		return unconfined
	}
	return nothing
}

// stored returns the results in testdata.
func stored(t *testing.T) map[string]Costs {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	needs.NoError(t, err)
	results := map[string]Costs{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		needs.NoError(t, err)
		for line := range strings.Lines(string(data)) {
			fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(fields) != 3 {
				t.Fatalf("%s: %q is no result", name, line)
			}
			n, err := strconv.ParseInt(fields[2], 10, 64)
			needs.NoError(t, err)
			if results[fields[0]] == nil {
				results[fields[0]] = Costs{}
			}
			results[fields[0]][fields[1]] = n
		}
	}
	return results
}
