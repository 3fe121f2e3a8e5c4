// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bytes"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/avert-dev/avert/compiler/diag"
)

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

// scalarTags are those of plain values that the language knows; the others
// would need an explicit tag.
var scalarTags = []string{"!!str", "!!int", "!!bool", "!!float", "!!timestamp"}

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
	if !slices.Contains(scalarTags, tag) {
		b.list.Report(diag.WrongType, span, fmt.Sprintf("the tag %s has no meaning here", tag), diag.Hint("write the value without a tag"))
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
			b.list.Report(diag.DuplicateKey, at, fmt.Sprintf("key %q is given twice", clip(key.Value)), diag.See(first, "first given here"))
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
			if s.Kind != MapNode {
				b.list.Report(diag.WrongType, s.Span, "a merge key `<<` takes a mapping, found "+describe(s))
			}
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
