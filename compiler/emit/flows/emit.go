// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
)

// Emit makes the output of a back-end: a manifest of every plan for which
// compile returns one, and the answers that were collected meanwhile. A policy
// whose pods the plugin cannot select is lost without asking.
func (a *Answers) Emit(program *ir.Program, plans []*Plan, compile func(*Plan) []byte) emit.Output {
	out := emit.Output{Findings: excess(plans)}
	if out.Findings != nil {
		return out
	}
	for _, p := range plans {
		if p.Blind {
			a.Lost(p.Policy, noLabel)
			continue
		}
		if data := compile(p); data != nil {
			out.Files = append(out.Files, emit.File{Kind: emit.Manifest, Name: p.Name + ".yaml", Data: data, Sources: p.Sources()})
		}
	}
	out.Lowerings = a.lowerings(program, plans)
	return out
}
