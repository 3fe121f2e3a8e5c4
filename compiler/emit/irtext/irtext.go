// SPDX-License-Identifier: Apache-2.0

// Package irtext writes the IR as text, to see what was understood. It enforces
// nothing.
package irtext

import (
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/platform"
)

// Target is the back-end `ir`. It is emitted only when asked for.
var Target = emit.Target{
	Name:    "ir",
	Summary: "text dump of the intermediate representation",
	Takes:   func(*platform.Pool) error { return nil },
	Default: func(*platform.Pool) bool { return false },
	Emit:    dump,
}

func dump(in emit.Input) emit.Output {
	var out emit.Output
	for _, u := range in.Program.Units {
		out.Files = append(out.Files, emit.File{Kind: emit.Text, Name: u.Name + ".txt", Data: u.Dump(), Sources: u.Policies})
	}
	return out
}
