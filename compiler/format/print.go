// SPDX-License-Identifier: Apache-2.0

package format

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// printer writes lines.
type printer struct {
	out    bytes.Buffer
	line   int  // where the current line starts
	fresh  bool // nothing stands above in the document, or only what opens a block: no blank line follows
	sealed bool // the lines above belong to a scalar that a blank line would change
}

func (f *file) print() []byte {
	p := &printer{fresh: true}
	for i, d := range f.docs {
		hoist(d.root)
		p.comments(d.head, 0)
		if d.explicit || i > 0 {
			p.blank(d.explicit && d.blank)
			p.start(0)
			p.out.WriteString("---")
			p.end(d.line)
			p.fresh = true
		}
		p.comments(d.preamble, 0)
		p.root(d)
	}
	p.comments(f.tail, 0)
	return p.out.Bytes()
}

// hoist moves a comment above the first entry of an item to above the item, so that both stay on one line.
func hoist(n *node) {
	for _, e := range n.entries {
		hoist(e.value)
		if e.key == nil && e.value.isBlock() && e.value.props == "" && e.line == "" {
			first := e.value.entries[0]
			e.head = append(e.head, first.head...)
			first.head = nil
		}
	}
}

func (p *printer) root(d *document) {
	v := d.root
	if v.isEmpty() && v.props == "" {
		return
	}
	if v.props == "" && v.isCollection() {
		if text, ok := p.flow(v, 0); ok {
			p.blank(d.rootBlank)
			p.start(0)
			p.out.WriteString(text)
			p.end(d.rootLine)
			return
		}
		if d.rootLine != "" {
			p.comments([]comment{{text: d.rootLine}}, 0)
		}
		p.entries(v, 0, false)
		return
	}
	p.blank(d.rootBlank)
	p.start(0)
	e := *d.entry
	e.line = d.rootLine
	p.value(&e, -2, "")
}

func (n *node) isCollection() bool {
	return n.yaml.Kind == yaml.MappingNode || n.yaml.Kind == yaml.SequenceNode
}

// entries writes a collection in block style; the first entry goes on where the line is when it is compact.
func (p *printer) entries(n *node, indent int, compact bool) {
	for i, e := range n.entries {
		if i > 0 || !compact {
			p.comments(e.head, indent)
			p.blank(e.blank)
			p.start(indent)
		}
		if e.key == nil {
			p.out.WriteByte('-')
		} else {
			p.out.WriteString(e.key.withProps(e.key.scalarText(false)))
			if e.key.yaml.Kind == yaml.AliasNode {
				p.out.WriteByte(' ') // a colon could belong to the name
			}
			p.out.WriteByte(':')
		}
		p.value(e, indent, " ")
		p.comments(e.foot, indent+2)
	}
	p.comments(n.foot, indent)
}

// value writes the value of an entry after what is on the line already, from which gap separates it.
func (p *printer) value(e *entry, indent int, gap string) {
	v := e.value
	if v.props != "" {
		p.out.WriteString(gap + v.props)
		gap = " "
	}
	text := ""
	switch {
	case v.isCollection():
		var ok bool
		if text, ok = p.flow(v, len(gap)); ok {
			break
		}
		if e.key == nil && e.parent != nil && v.props == "" && e.line == "" && len(v.entries[0].head) == 0 {
			p.out.WriteString(gap)
			p.entries(v, indent+2, true)
			return
		}
		p.end(e.line)
		p.fresh = true
		p.entries(v, indent+2, false)
		return
	case v.isEmpty():
		p.end(e.line)
		p.fresh = len(e.foot) > 0
		return
	case v.isBlockScalar():
		p.out.WriteString(gap + v.blockHeader())
		p.end(e.line)
		for _, line := range v.blockLines() {
			if line != "" {
				p.start(max(indent+2, 2))
				p.out.WriteString(line)
			}
			p.out.WriteByte('\n')
		}
		p.sealed = v.keepsLines()
		return
	default:
		text = v.scalarText(false)
	}
	p.out.WriteString(gap + text)
	p.end(e.line)
}

// flow writes a collection on one line, when its author did and it fits after what is on the line and a gap.
func (p *printer) flow(n *node, gap int) (string, bool) {
	if n.isBlock() {
		return "", false
	}
	room := lineWidth - gap - utf8.RuneCount(p.out.Bytes()[p.line:])
	var b strings.Builder
	if len(n.entries) > 0 && (!n.writeFlow(&b, 4*lineWidth) || utf8.RuneCountInString(b.String()) > room) {
		return "", false
	}
	if b.Len() == 0 {
		n.writeFlow(&b, lineWidth)
	}
	return b.String(), true
}

// writeFlow writes a collection in braces or brackets. It gives up when the result is longer than limit, in bytes.
func (n *node) writeFlow(b *strings.Builder, limit int) bool {
	brackets := "[]"
	if n.yaml.Kind == yaml.MappingNode {
		brackets = "{}"
	}
	b.WriteByte(brackets[0])
	for i, e := range n.entries {
		if i > 0 {
			b.WriteString(", ")
		}
		if e.key != nil {
			b.WriteString(e.key.withProps(e.key.scalarText(true)))
			if e.key.yaml.Kind == yaml.AliasNode {
				b.WriteByte(' ')
			}
			b.WriteString(": ")
		}
		if !e.value.isCollection() {
			b.WriteString(e.value.withProps(e.value.scalarText(true)))
		} else {
			b.WriteString(e.value.withProps(""))
			if !e.value.writeFlow(b, limit) {
				return false
			}
		}
		if b.Len() > limit {
			return false
		}
	}
	b.WriteByte(brackets[1])
	return true
}

// withProps puts the properties of a node before its text.
func (n *node) withProps(text string) string {
	if n.props == "" {
		return text
	}
	return n.props + " " + text
}

func (p *printer) comments(list []comment, indent int) {
	for _, c := range list {
		p.blank(c.blank)
		p.start(indent)
		p.out.WriteString(c.text)
		p.end("")
	}
}

// blank writes a blank line when wanted, and where it separates things.
func (p *printer) blank(wanted bool) {
	if wanted && !p.fresh && !p.sealed {
		p.out.WriteByte('\n')
	}
}

// start begins a line.
func (p *printer) start(indent int) {
	p.line = p.out.Len()
	for range indent {
		p.out.WriteByte(' ')
	}
	p.fresh, p.sealed = false, false
}

// end ends a line, with a comment if there is one; common linters ask for two spaces before it.
func (p *printer) end(comment string) {
	if comment != "" {
		p.out.WriteString("  " + comment)
	}
	p.out.WriteByte('\n')
	p.line = p.out.Len()
}
