// SPDX-License-Identifier: Apache-2.0

package check

import "strings"

// maxAlternatives bounds what alternatives expands.
const maxAlternatives = 32

// alternatives expands the braces of a valid pattern, or returns it as it is
// when that gives too many.
func alternatives(pattern string) []string {
	if !strings.Contains(pattern, "{") {
		return []string{pattern}
	}
	done := []string{}
	todo := []string{pattern}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		open, group, rest := firstGroup(p)
		if group == nil {
			done = append(done, p)
		}
		for _, alternative := range group {
			todo = append(todo, p[:open]+alternative+rest)
		}
		if len(done)+len(todo) > maxAlternatives {
			return []string{pattern}
		}
	}
	return done
}

// firstGroup splits the first braces of a pattern into their alternatives.
func firstGroup(p string) (open int, group []string, rest string) {
	depth, start, class := 0, 0, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '{':
			if depth++; depth == 1 {
				open, start = i, i+1
			}
		case c == ',' && depth == 1:
			group = append(group, p[start:i])
			start = i + 1
		case c == '}':
			if depth--; depth == 0 {
				return open, append(group, p[start:i]), p[i+1:]
			}
		}
	}
	return 0, nil, ""
}
