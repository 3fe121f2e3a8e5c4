// SPDX-License-Identifier: Apache-2.0

package format

// attach gives every comment its place in the tree. A comment behind something belongs to it. One on a line of its own
// belongs to what follows, unless it is indented deeper than that: then it ends the block to which its column belongs.
func (f *file) attach(comments []found, entries []*entry) {
	next := 0
	var gap placing
	for _, c := range comments {
		f.comments = append(f.comments, c.text)
		for next < len(entries) && entries[next].start < c.offset {
			next++
			gap = placing{}
		}
		var before, after *entry
		if next > 0 {
			before = entries[next-1]
			for before.parent != nil && before.parent.isFlow() && before.parent.end <= c.offset {
				before = before.parent.owner
			}
		}
		if next < len(entries) {
			after = entries[next]
		}
		switch {
		case before != nil && c.trailing:
			before.attachBehind(c)
		case before == nil || !before.attachInside(c, after) && !gap.attachBelow(c, before, after):
			if after != nil {
				after.head = append(after.head, c.comment)
			} else {
				f.tail = append(f.tail, c.comment)
			}
		}
	}
}

// attachBehind takes a comment that stands behind something on a line of the entry. A line has room for one comment; what
// comes together on one line only in the new form goes above or below it.
func (e *entry) attachBehind(c found) {
	v, d := e.value, e.doc
	switch {
	case e.parent == nil && (v.isEmpty() && v.props == "" || c.offset < v.from):
		d.line = c.text
	case e.parent == nil && v.isBlock() && v.props == "":
		if c.offset < v.entries[0].start {
			d.preamble = append(d.preamble, c.comment)
		} else {
			v.foot = append(v.foot, c.comment)
		}
	case e.parent == nil && d.rootLine == "":
		d.rootLine = c.text
	case e.parent == nil:
		d.preamble = append(d.preamble, c.comment)
	case v.isBlock() && e.line == "":
		e.line = c.text
	case v.isBlock() && c.offset < v.entries[0].start:
		v.entries[0].head = append(v.entries[0].head, c.comment)
	case v.isBlock():
		v.foot = append(v.foot, c.comment)
	case e.line == "" && (v.isEmpty() && v.props == "" || c.offset > v.start):
		e.line = c.text
	default:
		e.head = append(e.head, c.comment)
	}
}

// attachInside takes a comment on a line of its own that stands between the start of the entry and the end of its value,
// or in the flow collection that holds the entry.
func (e *entry) attachInside(c found, after *entry) bool {
	v := e.value
	switch {
	case v.isBlock() && c.offset < v.entries[0].start:
		if e.parent == nil && (v.props == "" || c.offset < v.from) {
			e.doc.preamble = append(e.doc.preamble, c.comment)
		} else {
			v.entries[0].head = append(v.entries[0].head, c.comment)
		}
	case !v.isBlock() && !(v.isEmpty() && v.props == "") && (c.offset < v.start || v.isFlow() && c.offset < v.end):
		if e.parent == nil {
			e.doc.preamble = append(e.doc.preamble, c.comment)
		} else {
			e.head = append(e.head, c.comment)
		}
	case e.parent != nil && e.parent.isFlow():
		if after != nil && after.start < e.parent.end {
			after.head = append(after.head, c.comment)
		} else {
			e.parent.foot = append(e.parent.foot, c.comment)
		}
	default:
		return false
	}
	return true
}

// placing goes through the comments between two entries. They keep their order, so none may be placed in a deeper block
// than the one before it.
type placing struct {
	block  *node // that took the last one
	headed bool  // the last one was left to the following entry
}

// attachBelow takes a comment on a line of its own that ends a block: the entry's, or one that holds that.
func (g *placing) attachBelow(c found, e, after *entry) bool {
	var common *node
	column := 0
	if after != nil && after.parent != nil {
		common, column = after.parent, after.parent.column
	}
	if !g.headed && c.column > column && e.parent != nil {
		if g.block == nil && e.value.isEmpty() && c.column > e.parent.column {
			e.foot = append(e.foot, c.comment)
			return true
		}
		for block := e.parent; block != nil && block != common; block = block.owner.parent {
			if g.block != nil && block.column > g.block.column || block.column > c.column {
				continue
			}
			block.foot = append(block.foot, c.comment)
			g.block = block
			return true
		}
	}
	g.headed = true
	return false
}
