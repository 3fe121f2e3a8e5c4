// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"bytes"
	"encoding/json"
)

// Extension ends the names of files with tables.
const Extension = ".rules.json"

// Encode returns the table as JSON with one rule a line, so that it merges and
// reads well in version control.
func (t *Table) Encode() []byte {
	var e encoder
	head := *t
	head.Policies = nil
	e.open(head, `"policies":null}`, `"policies":[`)
	for i, p := range t.Policies {
		e.item(i)
		body := *p
		body.Rules = nil
		e.open(body, "}", `,"rules":[`)
		for i, r := range p.Rules {
			e.item(i)
			e.json(r)
		}
		e.WriteString("\n]}")
	}
	e.WriteString("\n]}\n")
	return e.Bytes()
}

type encoder struct{ bytes.Buffer }

// item begins a line.
func (e *encoder) item(i int) {
	if i > 0 {
		e.WriteByte(',')
	}
	e.WriteByte('\n')
}

// json writes a value as one line.
func (e *encoder) json(v any) {
	enc := json.NewEncoder(&e.Buffer)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // strings, numbers and lists cannot fail
	e.Truncate(e.Len() - 1)
}

// open writes a value with another end.
func (e *encoder) open(v any, end, instead string) {
	e.json(v)
	e.Truncate(e.Len() - len(end))
	e.WriteString(instead)
}
