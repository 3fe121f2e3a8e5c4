// SPDX-License-Identifier: Apache-2.0

package syntax

import "github.com/avert-dev/avert/compiler/diag"

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
	// Value and Tag are those of a scalar: Tag is "!!str", "!!int", "!!bool",
	// "!!float" or "!!timestamp".
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
