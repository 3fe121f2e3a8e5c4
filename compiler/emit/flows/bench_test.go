// SPDX-License-Identifier: Apache-2.0

package flows_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/cilium"
	"github.com/avert-dev/avert/compiler/emit/networkpolicy"
	"github.com/avert-dev/avert/compiler/ir"
)

// many are copies of an archive's input, each in a namespace of its own.
func many(b *testing.B, name string, n int) *ir.Program {
	archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
	if err != nil {
		b.Fatal(err)
	}
	var input bytes.Buffer
	for i := range n {
		input.Write(bytes.ReplaceAll(archive.Files[0].Data, []byte("namespace: shop"), fmt.Appendf(nil, "namespace: shop-%d", i)))
		input.WriteString("---\n")
	}
	return program(b, input.Bytes())
}

func BenchmarkEmit(b *testing.B) {
	const n = 100
	for _, name := range []string{"example", "l4-beside-l7", "block-beside-allow"} {
		p := many(b, name, n)
		for _, target := range []*emit.Target{&cilium.Target, &networkpolicy.Target} {
			b.Run(name+"/"+target.Name, func(b *testing.B) {
				in := emit.Input{Program: p, Pool: poolOf(b, target, "")}
				for b.Loop() {
					target.Emit(in)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(p.Pods)), "µs/policy")
			})
		}
	}
}
