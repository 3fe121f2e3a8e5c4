// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bytes"
	"fmt"
)

// archive is a txtar archive: a comment, then files that each begin with a line
// "-- name --".
type archive struct {
	comment []byte
	files   []archived
}

type archived struct {
	name string
	data []byte
}

func parseArchive(text []byte) archive {
	var a archive
	into := &a.comment
	for line := range bytes.Lines(text) {
		name, ok := bytes.CutPrefix(line, []byte("-- "))
		if name, end := bytes.CutSuffix(name, []byte(" --\n")); ok && end {
			a.files = append(a.files, archived{name: string(name)})
			into = &a.files[len(a.files)-1].data
			continue
		}
		*into = append(*into, line...)
	}
	return a
}

func (a archive) format() []byte {
	out := bytes.NewBuffer(bytes.Clone(a.comment))
	for _, f := range a.files {
		fmt.Fprintf(out, "-- %s --\n%s", f.name, f.data)
	}
	return out.Bytes()
}
