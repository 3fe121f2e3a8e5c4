// SPDX-License-Identifier: Apache-2.0

package automata

import "strings"

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
	for _, a := range atoms {
		if a.stars > 2 {
			return p.failAt(a, a, "more than two stars in a row", suggest(p.with(int(a.off), int(a.end), "*"), p.with(int(a.off), int(a.end), "**")))
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
	if from == to {
		switch {
		case to == 1 && len(atoms) == 1:
			return nil // the root
		case to == len(atoms):
			dir := strings.TrimRight(p.source(atoms), "/")
			if strings.HasSuffix(dir, "/**") || dir == "" {
				return p.failAt(slash, slash, "a path does not end in a slash", suggest(dir+"/**", "/**"))
			}
			return p.failAt(slash, slash, "a path does not end in a slash", suggest(dir, dir+"/**"))
		default:
			return p.failAt(slash, atoms[to], "a path has no empty component", suggest(collapse(p.source(atoms))))
		}
	}
	for _, a := range atoms[from:to] {
		if a.kind != tokByte || a.b != '.' {
			return nil
		}
	}
	if to-from > 2 {
		return nil
	}
	name := strings.Repeat(".", to-from)
	return p.failAt(atoms[from], atoms[to-1], "paths are canonical: no component is `"+name+"`", suggest(resolve(p.source(atoms))))
}

// relative is the error for an alternative that does not begin with a slash.
func (p *parser) relative(atoms []atom) error {
	if len(atoms) == 0 {
		return p.fail(0, len(p.src), "an alternative is empty, and a path is absolute", "put the leading `/` before the braces, as in `/{usr/,}bin`")
	}
	src := p.source(atoms)
	switch {
	case strings.HasPrefix(src, "./"):
		src = strings.TrimLeft(src, "./")
	case strings.HasPrefix(src, "**/"):
		src = strings.TrimLeft(src[2:], "/")
		return p.failAt(atoms[0], atoms[0], "a path is absolute", suggest("/**/"+src))
	case strings.HasPrefix(src, "**"):
		return p.failAt(atoms[0], atoms[0], "a path is absolute", suggest("/"+src))
	}
	return p.failAt(atoms[0], atoms[0], "a path is absolute", suggest("/"+src, "/**/"+src))
}

// failAt makes the error for the source from the atom first to last.
func (p *parser) failAt(first, last atom, message, hint string) error {
	return p.fail(int(first.off), int(last.end), message, hint)
}

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

// collapse removes empty components and a final slash.
func collapse(src string) string {
	return "/" + strings.Join(strings.FieldsFunc(src, func(r rune) bool { return r == '/' }), "/")
}

// resolve removes `.` and empty components, and each `..` with the component
// before it.
func resolve(src string) string {
	var out []string
	for _, c := range strings.Split(src, "/") {
		switch strings.ReplaceAll(c, `\.`, ".") {
		case "", ".":
		case "..":
			out = out[:max(len(out)-1, 0)]
		default:
			out = append(out, c)
		}
	}
	return "/" + strings.Join(out, "/")
}
