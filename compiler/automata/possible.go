// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"slices"
	"strings"
)

// tokens checks that a canonical path can match the brace-free pattern and
// returns its tokens.
func (p *parser) tokens(atoms []atom) (alternative, error) {
	if err := p.possible(atoms); err != nil {
		return nil, err
	}
	out := make(alternative, 0, len(atoms)+1)
	rooted := true // what came so far can match "/"
	for i := 0; i < len(atoms); i++ {
		a := atoms[i]
		afterSlash := i > 0 && atoms[i-1].slash()
		switch {
		case a.kind == tokAny && afterSlash && i+1 < len(atoms) && atoms[i+1].slash():
			out = append(out, token{kind: tokDirs})
			i++
			continue
		case a.stars > 0 && afterSlash && rooted && i == len(atoms)-1:
			// Elsewhere the byte after the slash goes without saying: no
			// canonical path but the root ends in a slash.
			out = append(out, token{kind: tokSet, set: &notSlash})
		}
		rooted = rooted && a.slash()
		out = append(out, a.token)
	}
	return out, nil
}

// possible returns an error if no canonical path matches.
func (p *parser) possible(atoms []atom) error {
	if len(atoms) == 0 || !atoms[0].slash() {
		return p.relative(atoms)
	}
	for i, a := range atoms {
		if a.stars > 2 {
			one, two := slices.Clone(atoms), slices.Clone(atoms)
			one[i].stars, two[i].stars = 1, 2
			return p.failAt(a, a, "more than two stars in a row",
				p.suggestElse([]string{p.edit(a, "*"), p.edit(a, "**")}, []string{p.source(one), p.source(two)}))
		}
	}
	start := 1 // of the component
	for i := 1; i <= len(atoms); i++ {
		if i < len(atoms) && !atoms[i].slash() {
			continue
		}
		if err := p.component(atoms, start, i); err != nil {
			return err
		}
		start = i + 1
	}
	return nil
}

// component checks atoms[from:to], which stands between slashes.
func (p *parser) component(atoms []atom, from, to int) error {
	slash := atoms[from-1]
	switch {
	case from < to && dots(atoms[from:to]) > 0:
		message := "paths are canonical: no component is `" + strings.Repeat(".", to-from) + "`"
		return p.failAt(atoms[from], atoms[to-1], message, p.suggest(p.resolve(atoms)))
	case from < to || len(atoms) == 1: // the root
		return nil
	case to < len(atoms):
		return p.failAt(slash, atoms[to], "a path has no empty component",
			p.suggestElse([]string{p.edit(atoms[to], ""), p.edit(slash, "")}, []string{p.resolve(atoms)}))
	case from > 1 && atoms[from-2].kind == tokAny:
		return p.failAt(slash, slash, "a path does not end in a slash", p.suggestElse([]string{p.edit(slash, "")}, []string{p.resolve(atoms)}))
	}
	dir := p.resolve(atoms)
	return p.failAt(slash, slash, "a path does not end in a slash",
		p.suggestElse([]string{p.edit(slash, ""), p.edit(slash, "/**")}, []string{dir, strings.TrimSuffix(dir, "/") + "/**"}))
}

// dots returns 1 or 2 when the component can be nothing but "." or "..".
func dots(component []atom) int {
	for _, a := range component {
		if a.kind != tokByte || a.b != '.' {
			return 0
		}
	}
	if len(component) > 2 {
		return 0
	}
	return len(component)
}

// relative is the error for an alternative that does not begin with a slash.
func (p *parser) relative(atoms []atom) error {
	const message = "a path is absolute"
	if len(atoms) == 0 {
		return p.fail(0, len(p.src), "an alternative is empty, and a path is absolute", "put the leading `/` before the braces, as in `/{usr/,}bin`")
	}
	first, src := atoms[0], p.source(atoms)
	for strings.HasPrefix(src, "./") || strings.HasPrefix(src, "../") {
		src = strings.TrimLeft(strings.TrimLeft(src, "."), "/")
	}
	if strings.HasPrefix(src, "**") {
		return p.failAt(first, first, message, p.suggestElse([]string{p.edit(first, "/**")}, []string{"/" + src}))
	}
	alternative := []string{"/" + src, "/**/" + src}
	if strings.HasPrefix(p.source(atoms), ".") {
		return p.failAt(first, first, message, p.suggest(alternative...))
	}
	off := int(first.off)
	return p.failAt(first, first, message, p.suggestElse([]string{p.with(off, off, "/"), p.with(off, off, "/**/")}, alternative))
}

// failAt makes the error for the source from the atom first to last.
func (p *parser) failAt(first, last atom, message, hint string) error {
	off, end := int(first.off), int(last.end)
	return p.fail(off, max(end, int(first.end)), message, hint)
}

// edit returns the pattern with a replaced.
func (p *parser) edit(a atom, text string) string { return p.with(int(a.off), int(a.end), text) }

// source writes the brace-free pattern out.
func (p *parser) source(atoms []atom) string {
	var b strings.Builder
	for _, a := range atoms {
		if a.stars > 0 {
			b.WriteString(strings.Repeat("*", int(a.stars)))
		} else {
			b.WriteString(p.src[a.off:a.end])
		}
	}
	return b.String()
}

// resolve writes the pattern out without `.` and empty components, and without
// each `..` and the component before it.
func (p *parser) resolve(atoms []atom) string {
	var out []string
	for len(atoms) > 0 {
		n := slices.IndexFunc(atoms, atom.slash)
		if n < 0 {
			n = len(atoms)
		}
		switch d := dots(atoms[:n]); {
		case d == 2:
			out = out[:max(len(out)-1, 0)]
		case d == 0 && n > 0:
			out = append(out, p.source(atoms[:n]))
		}
		atoms = atoms[min(n+1, len(atoms)):]
	}
	return "/" + strings.Join(out, "/")
}
