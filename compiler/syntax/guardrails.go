// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/diag"
)

// Guardrails says which rules are judged, and how.
type Guardrails struct {
	At `yaml:"-"`
	// Paths are folders with rules of your own, and OPA bundles; relative to the configuration.
	Paths []Text `yaml:"paths"`
	// Key is a file with the public key, in PEM, that bundles are signed by; relative to the configuration.
	Key Text `yaml:"key"`
	// Rules change what is known of single rules.
	Rules []GuardrailRule `yaml:"rules"`
	// Ignore are patterns of files that no guardrail is asked about, relative to the configuration.
	Ignore []Text `yaml:"ignore"`
}

// GuardrailRule changes one rule.
type GuardrailRule struct {
	At `yaml:"-"`
	// ID is that of the rule, or an alias.
	ID Text `yaml:"id" jsonschema:"required"`
	// Level is the severity of findings; off does without the rule.
	Level Text `yaml:"level" jsonschema:"enum=error,enum=warning,enum=note,enum=off"`
	// Parameters are those of the rule, as `avert rules show ID` lists them.
	Parameters Parameters `yaml:"parameters"`
}

// Waiver excepts files from a rule until a day.
type Waiver struct {
	At `yaml:"-"`
	// Rule is the id of the guardrail, or an alias.
	Rule Text `yaml:"rule" jsonschema:"required"`
	// Paths are patterns of the files, relative to the configuration.
	Paths []Text `yaml:"paths" jsonschema:"required,minItems=1"`
	// Reason says why.
	Reason Text `yaml:"reason" jsonschema:"required"`
	// Owner is who answers for it.
	Owner Text `yaml:"owner" jsonschema:"required"`
	// Expires is the last day of the waiver, such as "2027-01-31".
	Expires Text `yaml:"expires" jsonschema:"required"`
}

// Parameters are values of a rule by name, in source order.
type Parameters []Parameter

// Parameter is a text, or a list of texts.
type Parameter struct {
	Name   Text
	Values []Text
	// List says that it was written as a list.
	List bool
}

func (p *Parameters) decodeNode(n *Node, list *diag.List) bool {
	if n.Kind != MapNode {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("parameters takes a mapping, found %s", describe(n)))
		return false
	}
	ok := true
	for _, f := range n.Fields {
		out := Parameter{Name: Text{f.Key, f.Span}, List: f.Value.Kind == ListNode}
		items := f.Value.Items
		if !out.List {
			items = []*Node{f.Value}
		}
		for _, item := range items {
			var text Text
			ok = decodeText(item, &text, fieldInfo{key: f.Key}, list) && ok
			out.Values = append(out.Values, text)
		}
		*p = append(*p, out)
	}
	return ok
}
