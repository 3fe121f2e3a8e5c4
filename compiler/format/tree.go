// SPDX-License-Identifier: Apache-2.0

package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// file is a parsed file. Offsets count bytes of text.
type file struct {
	text     string
	docs     []*document
	tail     []comment // after all documents
	comments []string  // the text of each comment, in order
}

// document is one document: an entry without a key, and what only documents have.
type document struct {
	*entry
	root      *node     // the value of the entry
	explicit  bool      // starts with ---
	preamble  []comment // between --- and the root
	rootBlank bool      // a blank line stands before the root
	rootLine  string    // comment at the end of the line of a root that is no block, or of its properties
}

// node is a value or a key.
type node struct {
	yaml       *yaml.Node
	props      string // anchor and tag as written
	from       int    // where it starts, properties included
	start, end int    // of the content, properties apart; equal when there is none; end is not set for blocks
	column     int    // from 0, where the entries of a block start
	oneLine    bool   // in braces or brackets on one line, or empty
	owner      *entry
	entries    []*entry
	foot       []comment // after the last entry
	body       []string  // the lines of a block scalar, without indentation
}

// entry is a pair of a mapping, an item of a sequence, or the root of a document.
type entry struct {
	parent *node // nil for a document
	doc    *document
	key    *node // nil for an item or document
	value  *node
	start  int
	blank  bool      // a blank line stands before it
	head   []comment // above it
	line   string    // at the end of its first line
	foot   []comment // below it, in the place of a value that is absent
}

// comment is a comment on a line of its own.
type comment struct {
	text  string
	blank bool // a blank line stands before it
}

// isBlock tells a collection that is printed in several lines, whatever fits where, from one that may be printed in one.
func (n *node) isBlock() bool { return len(n.entries) > 0 && !n.oneLine }

// isFlow tells a collection in braces or brackets.
func (n *node) isFlow() bool { return n.yaml.Style&yaml.FlowStyle != 0 }

// isEmpty tells a value of which nothing is written, properties apart.
func (n *node) isEmpty() bool { return n.yaml.Kind == yaml.ScalarNode && n.start == n.end }

// keyLimit is below the 1024 characters that YAML allows before the colon of a key, in bytes.
const keyLimit = 1000

// depthLimit stops the parser before deeply nested input costs anything. It expands no aliases, so has no limit there.
type depthLimit struct{}

func (depthLimit) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > MaxDepth {
		return fmt.Errorf("more than %d collections in one another", MaxDepth)
	}
	return nil
}

func (depthLimit) CheckAlias(int, int) error { return nil }

// parse reads a file into a tree that has all of its comments.
func parse(text string) (*file, error) {
	f := &file{text: text}
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithPlugin(depthLimit{}))
	if err != nil {
		return nil, err
	}
	s := newScanner(text)
	b := builder{cursor: cursor{text: text, line: 1, column: 1}, scanner: s}
	for {
		var doc yaml.Node
		err := loader.Load(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, placed(err)
		}
		d, err := b.document(&doc)
		if err != nil {
			return nil, err
		}
		f.docs = append(f.docs, d)
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	b.finish(f.docs)
	f.attach(s.comments, b.entries)
	return f, nil
}

// placed turns an error of the parser into one of this package.
func placed(err error) error {
	bad := new(yaml.LoadError)
	if !errors.As(err, &bad) {
		return &Error{Message: err.Error()}
	}
	message := bad.Message
	if bad.ContextMsg != "" {
		message += " " + bad.ContextMsg
	}
	return &Error{Line: bad.Mark.Line, Column: bad.Mark.Column, Message: message}
}

// normalize checks size and characters, and makes every line end with a line feed alone.
func normalize(src []byte) (string, error) {
	if len(src) > MaxSize {
		return "", &Error{Message: fmt.Sprintf("larger than %d MiB", MaxSize>>20)}
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	text := strings.ReplaceAll(strings.ReplaceAll(string(src), "\r\n", "\n"), "\r", "\n")
	line, column, parts := 1, 1, 0
	for i, r := range text {
		bad := ""
		switch {
		case r == '\n', r == ',', r == '[', r == '{':
			if parts++; parts > MaxParts {
				bad = fmt.Sprintf("more than %d lines, commas and opening brackets: split the file", MaxParts)
			}
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			bad = "not UTF-8 text"
		case r == '\u0085', r == '\u2028', r == '\u2029':
			bad = fmt.Sprintf("U+%04X ends a line for some readers of YAML and not for others: write \"\\u%04X\"", r, r)
		case r != '\t' && unicode.IsControl(r), r == '\ufeff', r == '\ufffe', r == '\uffff':
			bad = fmt.Sprintf("U+%04X is not allowed in YAML", r)
		}
		if bad != "" {
			return "", &Error{Line: line, Column: column, Message: bad}
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return text, nil
}

// cursor turns lines and columns, as the parser counts them, into offsets. Questions come in the order of the text.
type cursor struct {
	text         string
	offset       int
	line, column int
}

func (c *cursor) at(line, column int) int {
	for c.offset < len(c.text) && (c.line < line || c.line == line && c.column < column) {
		r, size := utf8.DecodeRuneInString(c.text[c.offset:])
		c.offset += size
		if c.column++; r == '\n' {
			c.line, c.column = c.line+1, 1
		}
	}
	return c.offset
}

// builder turns the parser's nodes into a tree, and tells the scanner where the scalars are.
type builder struct {
	cursor  cursor
	scanner *scanner
	doc     *document
	entries []*entry // all of them, in the order of the text
	nodes   []*node
}

func (b *builder) document(y *yaml.Node) (*document, error) {
	start := b.cursor.at(y.Line, y.Column)
	d := &document{explicit: isMarker(b.cursor.text, start, "---")}
	d.entry = &entry{start: start, doc: d}
	b.doc = d
	b.entries = append(b.entries, d.entry)
	var err error
	d.root, err = b.node(y.Content[0], d.entry)
	if err != nil {
		return nil, err
	}
	d.value = d.root
	if !d.explicit {
		d.start = d.root.from
	}
	return d, nil
}

// node adds a value or key; the ends of collections and the starts of items are known only after the scan.
func (b *builder) node(y *yaml.Node, owner *entry) (*node, error) {
	n := &node{yaml: y, owner: owner}
	tagged := y.Style&yaml.TaggedStyle != 0 || y.Tag == "!"
	plain := y.Kind == yaml.ScalarNode && y.Style&^yaml.TaggedStyle == 0
	if plain && y.Value == "" && y.Anchor == "" && !tagged {
		// The parser's position of what is not there may be anywhere up to the next token.
		n.from = b.cursor.offset
		n.start, n.end = n.from, n.from
		return n, nil
	}
	n.from = b.cursor.at(y.Line, y.Column)
	var propsEnd int
	n.props, propsEnd, n.start = b.scanner.properties(n.from, y.Anchor, tagged)
	n.end = n.start
	b.nodes = append(b.nodes, n)
	switch y.Kind {
	case yaml.ScalarNode:
		if plain && y.Value == "" {
			n.start, n.end = propsEnd, propsEnd
			break
		}
		if err := b.scanner.scalar(n); err != nil {
			return nil, err
		}
	case yaml.AliasNode:
		n.end = n.start + 1 + len(y.Value)
	case yaml.SequenceNode:
		for _, item := range y.Content {
			e := &entry{parent: n, doc: b.doc, start: -1}
			b.entries = append(b.entries, e)
			n.entries = append(n.entries, e)
			var err error
			if e.value, err = b.node(item, e); err != nil {
				return nil, err
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(y.Content); i += 2 {
			e := &entry{parent: n, doc: b.doc}
			b.entries = append(b.entries, e)
			n.entries = append(n.entries, e)
			if k := y.Content[i]; k.Kind == yaml.MappingNode || k.Kind == yaml.SequenceNode {
				return nil, &Error{Line: k.Line, Column: k.Column, Message: "a key that is itself a mapping or sequence cannot be formatted"}
			}
			var err error
			if e.key, err = b.node(y.Content[i], e); err != nil {
				return nil, err
			}
			if len(e.key.withProps(e.key.scalarText(false))) > keyLimit {
				return nil, &Error{Line: y.Content[i].Line, Column: y.Content[i].Column, Message: fmt.Sprintf("a key of more than %d bytes cannot be formatted", keyLimit)}
			}
			e.start = e.key.from
			if e.value, err = b.node(y.Content[i+1], e); err != nil {
				return nil, err
			}
		}
	}
	return n, nil
}

// finish sets what is known only after the scan: where items start, and where collections end.
func (b *builder) finish(docs []*document) {
	s, dash := b.scanner, 0
	for _, e := range b.entries {
		if e.start >= 0 {
			continue
		}
		if e.start = e.value.from; !e.parent.isFlow() && dash < len(s.dashes) {
			e.start = s.dashes[dash]
			dash++
		}
	}
	// Children come after their parents, and a pair without braces in a sequence ends where its value ends.
	for i := len(b.nodes) - 1; i >= 0; i-- {
		n := b.nodes[i]
		switch {
		case n.yaml.Kind != yaml.MappingNode && n.yaml.Kind != yaml.SequenceNode:
		case n.isFlow():
			if end, ok := s.closers[n.start]; ok {
				n.end = end
			} else if len(n.entries) > 0 {
				n.end = n.entries[len(n.entries)-1].value.end
			}
			n.oneLine = !strings.Contains(s.text[n.start:n.end], "\n")
		case len(n.entries) > 0:
			n.column = s.column(n.entries[0].start)
		}
	}
	for _, e := range b.entries {
		e.blank = s.blankBefore(e.start)
	}
	for _, d := range docs {
		d.rootBlank = !d.root.isEmpty() && s.blankBefore(d.root.from)
	}
}
