// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/avert-dev/avert/compiler/diag"
)

// Limits on one file. A policy of 10,000 patterns has about 1 MiB.
const (
	// MaxBytes is the size of a file.
	MaxBytes = 16 << 20
	// MaxDepth is the nesting of mappings and lists.
	MaxDepth = 100
	// MaxNodes is the number of nodes of a document after aliases are expanded.
	MaxNodes = 1_000_000
)

// Parse returns the documents of a file. Whatever cannot be read is reported;
// documents before it are still returned.
func Parse(file *diag.File, list *diag.List) []*Node {
	if !readable(file, list) {
		return nil
	}
	tooDeep := errors.New("nested too deep")
	loader, err := yaml.NewLoader(bytes.NewReader(file.Source),
		yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthFunc(func(depth int, _ *yaml.DepthContext) error {
			if depth > MaxDepth {
				return tooDeep
			}
			return nil
		}))))
	var docs []*Node
	for err == nil {
		var doc yaml.Node
		if err = loader.Load(&doc); err != nil {
			break
		}
		if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
			continue
		}
		b := builder{file: file, list: list}
		n := b.node(doc.Content[0], 0)
		if b.failed {
			return docs
		}
		if n.Kind != Null {
			docs = append(docs, n)
		}
	}
	if !errors.Is(err, io.EOF) {
		reportYAML(file, list, err, tooDeep)
	}
	return docs
}

var yamlPrefix = regexp.MustCompile(`^(go-yaml load error in \w+ at [^:]*:[^:]*: |yaml: |go-yaml: )+`)

func reportYAML(file *diag.File, list *diag.List, err, tooDeep error) {
	at, message := len(file.Source), err.Error()
	var load *yaml.LoadError
	if errors.As(err, &load) {
		at, message = file.Offset(load.Mark.Line, load.Mark.Column), load.Message
	}
	span := diag.Span{File: file, Start: at, End: min(at+1, len(file.Source))}
	if strings.HasSuffix(message, tooDeep.Error()) {
		list.Report(diag.TooLarge, span, fmt.Sprintf("more than %d levels of nesting", MaxDepth))
		return
	}
	message = yamlPrefix.ReplaceAllString(message, "")
	var hint string
	switch {
	case strings.HasPrefix(message, "unknown anchor"), strings.HasPrefix(message, "did not find expected alphabetic"):
		hint = "a value that begins with `*` or `&` needs quotes"
	case strings.Contains(message, "cannot start any token"):
		hint = "a value that begins with a special character needs quotes"
		if bytes.HasPrefix(file.Source[at:], []byte("\t")) {
			hint = "YAML is indented with spaces, not tabs"
		}
	case strings.HasPrefix(message, "mapping values are not allowed"):
		hint = "a value that contains `: ` needs quotes; a key needs its own line"
	}
	list.Report(diag.InvalidYAML, span, message, diag.Hint("%s", hint))
}
