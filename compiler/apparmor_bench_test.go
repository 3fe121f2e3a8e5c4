// SPDX-License-Identifier: Apache-2.0

package compiler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/internal/apparmorbin"
)

// manyRules is a policy as a large workload would have it: of ten rules, one is about programs, two are about what a folder is
// protected from, and the others say what may be read, loaded or written. Every twentieth has a condition on the lineage.
func manyRules(n int) string {
	var process, file strings.Builder
	for i, glob := range mixedGlobs(n) {
		from := ""
		if i%20 == 19 {
			from = fmt.Sprintf(", from: {exe: [/usr/local/bin/service-%d]}", i%3)
		}
		switch i % 10 {
		case 0:
			fmt.Fprintf(&process, "      - {name: r%d, action: Allow, paths: [%q]%s}\n", i, glob, from)
		case 1, 2:
			fmt.Fprintf(&file, "      - {name: r%d, action: Block, access: [write, create, delete, rename, link, setattr], paths: [%q]%s}\n", i, glob, from)
		case 3:
			fmt.Fprintf(&file, "      - {name: r%d, action: Allow, access: [read, write, create, delete, rename], paths: [%q]%s}\n", i, glob, from)
		default:
			fmt.Fprintf(&file, "      - {name: r%d, action: Allow, access: [read, map], paths: [%q]%s}\n", i, glob, from)
		}
	}
	return "apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: many, namespace: n}\nspec:\n  selector: {}\n" +
		"  process:\n    default: Block\n    rules:\n      - {name: service, action: Allow, paths: [/usr/local/bin/service-*]}\n" + process.String() +
		"  file:\n    default: Block\n    rules:\n" + file.String() +
		"  accept: [{rule: process/*, reason: measured}, {rule: file/*, reason: measured}, {rule: system/*, reason: measured}]\n"
}

// BenchmarkAppArmor measures our compilation of a policy to AppArmor profiles, and what apparmor_parser takes to compile these on a node.
func BenchmarkAppArmor(b *testing.B) {
	parser := apparmorbin.NewParser(b, "6.12")
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := []byte(manyRules(n))
			var ours, theirs time.Duration
			for b.Loop() {
				begin := time.Now()
				result := mustCompile(b, compiler.Input{Files: []*diag.File{diag.NewFile("many.yaml", text)}, Targets: []string{"apparmor"}})
				ours += time.Since(begin)
				profile := ""
				for _, f := range result.Files {
					if strings.HasPrefix(f.Path, "nodes/apparmor/avert.") && !strings.HasSuffix(f.Path, ".json") {
						profile = string(f.Data)
					}
				}
				begin = time.Now()
				if _, messages, err := parser.Policy(profile); err != nil {
					b.Fatalf("%v: %s", err, messages)
				}
				theirs += time.Since(begin)
			}
			milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(b.N) }
			b.ReportMetric(0, "ns/op") // of both together
			b.ReportMetric(milliseconds(ours), "avert-ms/op")
			b.ReportMetric(milliseconds(theirs), "parser-ms/op")
			b.ReportMetric(float64(theirs)/float64(ours), "parser/avert")
		})
	}
}
