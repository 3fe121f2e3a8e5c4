// SPDX-License-Identifier: Apache-2.0

package automata

// LastComponentPrefix returns g restricted to the alternatives whose last
// component begins with the literal bytes of prefix, or nil when there is none.
// "/lib64/ld-*" has such a component for "ld", "/lib64/*" has not.
func (g *Glob) LastComponentPrefix(prefix string) *Glob {
	var alts []alternative
	for _, a := range g.alts {
		if a.lastComponentPrefix(prefix) {
			alts = append(alts, a)
		}
	}
	if alts == nil {
		return nil
	}
	return &Glob{pattern: g.pattern, alts: alts, restricted: len(alts) < len(g.alts) || g.restricted}
}

func (a alternative) lastComponentPrefix(prefix string) bool {
	last := len(a) - 1
	for last >= 0 && !(a[last].kind == tokDirs || a[last].kind == tokByte && a[last].b == '/') {
		last--
	}
	component := a[last+1:]
	if len(component) < len(prefix) {
		return false
	}
	text, ok := component[:len(prefix)].exact()
	return ok && text == prefix
}

// Prefix returns a literal text that every path that matches g begins with, the
// longest there is.
func (g *Glob) Prefix() string {
	var common []byte
	for i, a := range g.alts {
		var literal []byte
		for _, t := range a {
			if t.kind != tokByte {
				break
			}
			literal = append(literal, t.b)
		}
		if i == 0 {
			common = literal
			continue
		}
		n := 0
		for n < len(common) && n < len(literal) && common[n] == literal[n] {
			n++
		}
		common = common[:n]
	}
	return string(common)
}
