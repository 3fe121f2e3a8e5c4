// SPDX-License-Identifier: Apache-2.0

// Package format brings YAML files into one canonical form: two spaces of indentation, no more quotes than needed, one
// order of keys in avert's own documents. It keeps every comment, blank lines as separators (never two in a row), and
// mappings and sequences in braces or brackets where they were written on one line and fit.
//
// The parser is go.yaml.in/yaml; the printer is this package's own, because an encoder of nodes knows too little of the
// text to keep comments in their places. Nothing is checked beyond YAML itself: what a document means is of no interest
// here, and aliases stay aliases.
package format

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"go.yaml.in/yaml/v4"
)

// Bounds of what is formatted. Files beyond them are refused.
const (
	MaxSize  = 4 << 20 // bytes in a file
	MaxDepth = 100     // collections in one another
	MaxParts = 500_000 // lines, commas and opening brackets in a file
)

// lineWidth is how long a line with a mapping or sequence in braces or brackets may become, in characters, a comment
// at its end apart.
const lineWidth = 160

// Error says why a file cannot be formatted.
type Error struct {
	Name         string // of the file
	Line, Column int    // from 1, in characters; 0 when the error has no place
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Name, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Message)
}

// Source returns the canonical form of a YAML file of any number of documents. The name is for errors, which are all of
// type *[Error]. Formatting the result again changes nothing, and it decodes to the same data.
func Source(src []byte, name string) ([]byte, error) {
	out, err := source(src)
	if bad := new(Error); errors.As(err, &bad) {
		bad.Name = name
	}
	return out, err
}

func source(src []byte) ([]byte, error) {
	text, err := normalize(src)
	if err != nil {
		return nil, err
	}
	in, err := parse(text)
	if err != nil {
		return nil, err
	}
	for _, d := range in.docs {
		reorder(d.root)
	}
	out := in.print()
	// A formatter that works in place must not be trusted blindly, with files that others wrote least of all.
	if err := sameMeaning(in, out); err != nil {
		return nil, &Error{Message: fmt.Sprintf("left as it is, because formatting would change it (%v): please report this file as a bug in avert", err)}
	}
	return out, nil
}

// Diff returns the change from a to b, two versions of the named file, as a unified diff; empty when they are equal.
func Diff(a, b []byte, name string) string {
	return string(diff.Diff(name+" (as it is)", a, name+" (formatted)", b))
}

// sameMeaning checks that out has the documents and the comments of in, whose keys are already in their final order.
func sameMeaning(in *file, out []byte) error {
	again, err := parse(string(out))
	if err != nil {
		return err
	}
	if len(in.docs) != len(again.docs) {
		return fmt.Errorf("%d documents become %d", len(in.docs), len(again.docs))
	}
	for i := range in.docs {
		if err := sameNode(in.docs[i].root, again.docs[i].root); err != nil {
			return err
		}
	}
	before, after := slices.Sorted(slices.Values(in.comments)), slices.Sorted(slices.Values(again.comments))
	if !slices.Equal(before, after) {
		return errors.New("a comment is lost")
	}
	return nil
}

func sameNode(a, b *node) error {
	x, y := a.yaml, b.yaml
	null := x.Kind == yaml.ScalarNode && x.ShortTag() == "!!null" && y.ShortTag() == "!!null"
	if x.Kind != y.Kind || x.ShortTag() != y.ShortTag() || x.Anchor != y.Anchor || x.Value != y.Value && !null || len(a.entries) != len(b.entries) {
		return fmt.Errorf("line %d", x.Line)
	}
	for i, e := range a.entries {
		f := b.entries[i]
		if e.key != nil {
			if err := sameNode(e.key, f.key); err != nil {
				return err
			}
		}
		if err := sameNode(e.value, f.value); err != nil {
			return err
		}
	}
	return nil
}
