// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/avert-dev/avert/compiler/diag"
)

// Limits on one file. A policy of 10,000 patterns has about 1 MiB.
const (
	// MaxBytes is the size of a file.
	MaxBytes = 16 << 20
	// MaxDepth is the nesting of mappings and lists.
	MaxDepth = 100
	// MaxNodes is the number of nodes after aliases are expanded.
	MaxNodes = 1_000_000
)

// Kind is that of a Node.
type Kind uint8

const (
	Null Kind = iota
	ScalarNode
	ListNode
	MapNode
)

// String names the kind for people.
func (k Kind) String() string { return [...]string{"nothing", "a value", "a list", "a mapping"}[k] }

// Node is a part of a document.
type Node struct {
	Kind Kind
	Span diag.Span
	// Value and Tag are those of a scalar: Tag is "!!str", "!!int", "!!bool", "!!float".
	Value, Tag string
	Items      []*Node // of a list
	Fields     []Field // of a mapping, in source order, keys unique
}

// Field is one entry of a mapping.
type Field struct {
	Key   string
	Span  diag.Span // of the key
	Value *Node
}

// Get returns the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Key == key {
			return n.Fields[i].Value
		}
	}
	return nil
}

// Parse returns the documents of a file. Whatever cannot be read is reported;
// documents before it are still returned.
func Parse(file *diag.File, list *diag.List) []*Node {
	whole := diag.Span{File: file}
	if len(file.Source) > MaxBytes {
		list.Report(diag.TooLarge, whole, fmt.Sprintf("the file has more than %d MiB", MaxBytes>>20), diag.Hint("split it into several files"))
		return nil
	}
	if !utf8.Valid(file.Source) {
		at := invalidUTF8(file.Source)
		list.Report(diag.InvalidText, diag.Span{File: file, Start: at, End: at + 1}, "the text is not valid UTF-8")
		return nil
	}
	if depth, at := flowDepth(file.Source); depth > MaxDepth {
		list.Report(diag.TooLarge, diag.Span{File: file, Start: at, End: at + 1}, fmt.Sprintf("more than %d levels of nesting", MaxDepth))
		return nil
	}
	var docs []*Node
	decoder := yaml.NewDecoder(bytes.NewReader(file.Source))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			reportYAML(file, list, err)
			return docs
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
}

func invalidUTF8(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return 0
}

// flowDepth bounds the nesting of flow collections before the parser, which
// recurses, sees them. Brackets in scalars count as well, but must then be
// unbalanced more than MaxDepth times to matter.
func flowDepth(src []byte) (depth, at int) {
	for i, c := range src {
		switch c {
		case '[', '{':
			if depth++; depth > 100*MaxDepth {
				return depth, i
			}
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return 0, 0
}

var yamlPrefix = regexp.MustCompile(`^(go-yaml load error in \w+ at [^:]*:[^:]*: |yaml: |go-yaml: )+`)

func reportYAML(file *diag.File, list *diag.List, err error) {
	at, message := len(file.Source), err.Error()
	var load *yaml.LoadError
	if errors.As(err, &load) {
		at, message = file.Offset(load.Mark.Line, load.Mark.Column), load.Message
	}
	message = yamlPrefix.ReplaceAllString(message, "")
	hint := ""
	if at < len(file.Source) && file.Source[at] == '\t' || strings.Contains(message, "cannot start any token") {
		hint = "YAML is indented with spaces, and values that begin with a special character need quotes"
	}
	list.Report(diag.InvalidYAML, diag.Span{File: file, Start: at, End: at + 1}, message, diag.Hint("%s", hint))
}

// builder converts the parser's nodes, expanding aliases within limits.
type builder struct {
	file   *diag.File
	list   *diag.List
	nodes  int
	failed bool
}

func (b *builder) tooLarge(at diag.Span, message string) *Node {
	if !b.failed {
		b.list.Report(diag.TooLarge, at, message)
	}
	b.failed = true
	return &Node{Span: at}
}

func (b *builder) node(y *yaml.Node, depth int) *Node {
	span := b.span(y)
	if b.nodes++; b.nodes > MaxNodes {
		return b.tooLarge(span, fmt.Sprintf("the document expands to more than %d nodes", MaxNodes))
	}
	if depth > MaxDepth {
		return b.tooLarge(span, fmt.Sprintf("more than %d levels of nesting", MaxDepth))
	}
	if b.failed {
		return &Node{Span: span}
	}
	switch y.Kind {
	case yaml.AliasNode:
		return b.node(y.Alias, depth+1)
	case yaml.SequenceNode:
		n := &Node{Kind: ListNode, Span: span, Items: make([]*Node, 0, len(y.Content))}
		for _, c := range y.Content {
			n.Items = append(n.Items, b.node(c, depth+1))
		}
		return n
	case yaml.MappingNode:
		return b.mapping(y, span, depth)
	}
	tag := y.ShortTag()
	if tag == "!!null" {
		return &Node{Kind: Null, Span: span}
	}
	return &Node{Kind: ScalarNode, Span: span, Value: y.Value, Tag: tag}
}

func (b *builder) mapping(y *yaml.Node, span diag.Span, depth int) *Node {
	n := &Node{Kind: MapNode, Span: span, Fields: make([]Field, 0, len(y.Content)/2)}
	seen := make(map[string]diag.Span, len(y.Content)/2)
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, at := y.Content[i], b.span(y.Content[i])
		if key.Kind != yaml.ScalarNode {
			b.list.Report(diag.WrongType, at, "a key must be a word")
			continue
		}
		value := b.node(y.Content[i+1], depth+1)
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if first, ok := seen[key.Value]; ok {
			b.list.Report(diag.DuplicateKey, at, fmt.Sprintf("key %q is given twice", key.Value), diag.See(first, "first given here"))
			continue
		}
		seen[key.Value] = at
		n.Fields = append(n.Fields, Field{key.Value, at, value})
	}
	// A merge key adds what the mapping itself does not say.
	for _, m := range merged {
		sources := []*Node{m}
		if m.Kind == ListNode {
			sources = m.Items
		}
		for _, s := range sources {
			for _, f := range s.Fields {
				if _, ok := seen[f.Key]; !ok {
					seen[f.Key] = f.Span
					n.Fields = append(n.Fields, f)
				}
			}
		}
	}
	return n
}

// span finds the source text of a node. The parser gives only where a node
// begins: the end of a plain scalar is found by its text, a collection is
// marked by its first character.
func (b *builder) span(y *yaml.Node) diag.Span {
	start := b.file.Offset(y.Line, y.Column)
	end := start
	src := b.file.Source
	switch {
	case start >= len(src):
	case y.Kind == yaml.AliasNode:
		end = start + 1 + len(y.Value)
	case y.Kind != yaml.ScalarNode:
		end = start + 1
	case src[start] == '"' || src[start] == '\'':
		end = quotedEnd(src, start)
	case bytes.HasPrefix(src[start:], []byte(y.Value)):
		end = start + len(y.Value)
	default:
		end = start + 1
	}
	return diag.Span{File: b.file, Start: start, End: min(end, len(src))}
}

func quotedEnd(src []byte, start int) int {
	quote := src[start]
	for i := start + 1; i < len(src) && src[i] != '\n'; i++ {
		switch {
		case quote == '"' && src[i] == '\\':
			i++
		case src[i] == quote && quote == '\'' && i+1 < len(src) && src[i+1] == quote:
			i++
		case src[i] == quote:
			return i + 1
		}
	}
	return start + 1
}
