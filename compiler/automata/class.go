// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"fmt"
	"strings"
)

// class parses a bracket expression whose `[` at open has been read.
func (p *parser) class(open int) (token, error) {
	none := token{}
	unclosed := func() error {
		return p.fail(open, open+1, "this bracket is never closed", p.suggest(p.with(open, open+1, `\[`), p.src+"]"))
	}
	rest := p.src[p.pos:]
	if strings.HasPrefix(rest, "^") {
		return none, p.fail(p.pos, p.pos+1, "a class is negated by `!`, not by `^`", p.suggest(p.with(p.pos, p.pos+1, "!"), p.with(p.pos, p.pos+1, `\^`)))
	}
	negate := strings.HasPrefix(rest, "!")
	if negate {
		p.pos++
	}
	if strings.HasPrefix(p.src[p.pos:], "]") {
		if later := strings.IndexByte(p.src[p.pos+1:], ']'); later >= 0 {
			return none, p.fail(open, p.pos+1, "the class is empty", p.suggest(p.with(p.pos, p.pos+1, `\]`)))
		}
		return none, p.fail(open, p.pos+1, "the class is empty", p.suggest(p.with(open, p.pos+1, "?"), p.with(open, p.pos+1, Escape(p.src[open:p.pos+1]))))
	}
	var set byteSet
	for {
		if p.pos == len(p.src) {
			return none, unclosed()
		}
		if p.src[p.pos] == ']' {
			p.pos++
			break
		}
		from := p.pos
		if strings.HasPrefix(p.src[from:], "[:") {
			return none, p.fail(from, from+2, "named classes such as `[:alpha:]` do not exist here", "write the ranges, as in `[a-zA-Z0-9]`; for a bracket itself `\\[`")
		}
		lo, err := p.member(open)
		if err != nil {
			return none, err
		}
		hi := lo
		if p.pos+1 < len(p.src) && p.src[p.pos] == '-' && p.src[p.pos+1] != ']' {
			p.pos++
			if hi, err = p.member(open); err != nil {
				return none, err
			}
		}
		if lo > hi {
			return none, p.fail(from, p.pos, fmt.Sprintf("the range from %q to %q is empty", lo, hi),
				p.suggest(p.with(from, p.pos, escapeMember(hi)+"-"+escapeMember(lo))))
		}
		for b := int(lo); b <= int(hi); b++ {
			set.add(byte(b))
		}
	}
	if negate {
		set = set.complement()
	}
	set.remove('/')
	switch in := set.inComponent(); in.len() {
	case 0:
		return none, p.fail(open, p.pos, "the class matches nothing: no class matches `/`", p.suggest(p.with(open, p.pos, "/"), p.with(open, p.pos, "?")))
	case 1:
		return token{kind: tokByte, b: in.min()}, nil
	}
	if set == notSlash {
		return token{kind: tokSet, set: &notSlash}, nil
	}
	return token{kind: tokSet, set: &set}, nil
}

// member reads one byte of a class.
func (p *parser) member(open int) (byte, error) {
	off := p.pos
	c := p.src[off]
	p.pos++
	switch {
	case c == '\\':
		if p.pos == len(p.src) {
			return 0, p.fail(open, open+1, "this bracket is never closed", p.suggest(p.with(open, open+1, `\[`)))
		}
		c = p.src[p.pos]
		p.pos++
	case c == '{' || c == '}':
		return 0, p.fail(off, off+1, "a brace inside a class", p.suggest(p.with(off, off+1, `\`+string(c))))
	}
	if c >= 0x80 {
		return 0, p.fail(off, p.pos, "a class is of single bytes, and this character has several", "write the characters in braces, as in `{ä,ö}`")
	}
	return c, nil
}

// escapeMember writes b so that it stands for itself in a class.
func escapeMember(b byte) string {
	if strings.IndexByte(`\[]{}-!^`, b) >= 0 {
		return `\` + string(b)
	}
	return string(b)
}
