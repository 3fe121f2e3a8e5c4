// SPDX-License-Identifier: Apache-2.0

// Package schemas holds the JSON Schemas (draft-07) of the documents that
// avert reads and writes. They are generated from the Go types, for editors
// and for programs that read avert's output; avert itself checks documents
// without them, and finds more.
package schemas

import (
	"embed"
	"slices"
)

//go:generate go run ./gen

//go:embed *.schema.json
var files embed.FS

// Schema describes one kind of document.
type Schema struct {
	// Name is what `avert schema` calls it.
	Name string
	// Summary says in one line what it describes.
	Summary string
}

var all = []Schema{
	{"config", ".avert.yaml: targets and node pools"},
	{"event", "an alert: what avert-node events prints, a line each"},
	{"findings", "what --format json prints"},
	{"policy", "RuntimePolicy"},
	{"report", "report.json: what each target holds of each rule"},
	{"view", "what a guardrail sees as input"},
}

// All lists the schemas, sorted by name.
func All() []Schema { return slices.Clone(all) }

// Names returns the names of all schemas, sorted.
func Names() []string {
	var out []string
	for _, s := range all {
		out = append(out, s.Name)
	}
	return out
}

// Read returns the text of a schema, or nil when there is none of that name.
func Read(name string) []byte {
	text, err := files.ReadFile(name + ".schema.json")
	if err != nil {
		return nil
	}
	return text
}
