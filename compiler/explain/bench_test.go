// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"fmt"
	"testing"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/explain"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
)

// BenchmarkExplain explains opens of files and execs under a policy of 200 rules
// on one processor.
func BenchmarkExplain(b *testing.B) {
	p := &policy.Policy{Namespace: "n", Name: "p", Process: &policy.PathSection{Default: policy.Block}, File: &policy.PathSection{Default: policy.Block}}
	for i := range 100 {
		for _, s := range []*policy.PathSection{p.Process, p.File} {
			r := policy.PathRule{Rule: policy.Rule{Section: policy.Process, Name: fmt.Sprint("r", i), Action: policy.Allow}, Access: policy.AccessExec, Paths: []policy.Pattern{{Text: fmt.Sprintf("/opt/app%d/bin/*", i)}}}
			if s == p.File {
				r.Section, r.Access = policy.File, policy.AccessRead
				r.From = &policy.From{Ancestor: []policy.Pattern{{Text: fmt.Sprintf("/opt/app%d/**", i%16)}}}
			}
			s.Rules = append(s.Rules, r)
		}
	}
	u := lower.Program(&policy.Set{Policies: []*policy.Policy{p}}, &diag.List{}).Units[0]
	var ops []policy.Operation
	for i := range 64 {
		o := policy.Object{Path: fmt.Sprintf("/opt/app%d/bin/tool", i)}
		lineage := []string{fmt.Sprintf("/opt/app%d/bin/start", i%16), "/usr/bin/dash"}
		ops = append(ops, policy.Operation{Kind: policy.OpExec, Images: []policy.Object{o}, Lineage: lineage},
			policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: o, Lineage: lineage})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := explain.Explain(u, ops[i%len(ops)], nil, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "operations/s")
}
