// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
)

// draft is a RuntimePolicy on its way to text.
type draft struct {
	comments        []string
	name, namespace string
	selector        string // in flow style
	containers      []string
	sections        map[policy.Section]*section
	accept          []string // in flow style
}

// section is one section. Rules are numbered where they have no name.
type section struct {
	comments []string
	keys     []string // "default: Block"
	rules    []rule
}

type rule struct {
	comments []string
	name     string
	fields   []string // "action: Allow", in flow style
}

func (d *draft) section(s policy.Section) *section {
	if d.sections == nil {
		d.sections = map[policy.Section]*section{}
	}
	if d.sections[s] == nil {
		d.sections[s] = &section{}
	}
	return d.sections[s]
}

// add adds a rule, and a number to its name where the section has it.
func (s *section) add(r rule) {
	base, n := label(r.name), 1
	for r.name = base; slices.ContainsFunc(s.rules, func(o rule) bool { return o.name == r.name }); {
		n++
		r.name = fmt.Sprintf("%s-%d", base, n)
	}
	s.rules = append(s.rules, r)
}

// String writes the policy.
func (d *draft) String() string {
	var b strings.Builder
	line := func(indent int, format string, args ...any) {
		b.WriteString(strings.Repeat("  ", indent))
		fmt.Fprintf(&b, format, args...)
		b.WriteByte('\n')
	}
	comment := func(indent int, texts []string) {
		for _, t := range texts {
			line(indent, "# %s", strings.ReplaceAll(t, "\n", " "))
		}
	}
	comment(0, d.comments)
	line(0, "apiVersion: avert.dev/v1alpha1")
	line(0, "kind: RuntimePolicy")
	line(0, "metadata: {name: %s, namespace: %s}", text(label(d.name)), text(d.namespace))
	line(0, "spec:")
	line(1, "selector: %s", d.selector)
	if len(d.containers) > 0 {
		line(1, "containers: %s", texts(d.containers))
	}
	for _, which := range slices.Sorted(maps.Keys(d.sections)) {
		s := d.sections[which]
		line(1, "%s:", which)
		comment(2, s.comments)
		for _, k := range s.keys {
			line(2, "%s", k)
		}
		if len(s.rules) > 0 {
			line(2, "rules:")
		}
		for _, r := range s.rules {
			comment(3, r.comments)
			line(3, "- {name: %s, %s}", text(r.name), strings.Join(r.fields, ", "))
		}
	}
	if len(d.accept) > 0 {
		line(1, "accept:")
		for _, a := range d.accept {
			line(2, "- %s", a)
		}
	}
	return b.String()
}

var plain = regexp.MustCompile(`^[A-Za-z/_][A-Za-z0-9/_.-]*$`)

// text writes a string in flow style.
func text(s string) string {
	words := []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
	if plain.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}

// texts writes a list in flow style.
func texts(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, text(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func field(key, value string) string { return key + ": " + value }

// label makes a name of a rule or policy from any text.
func label(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, strings.ToLower(s))
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	s = strings.Trim(s[:min(len(s), 50)], "-")
	if s == "" {
		return "imported"
	}
	return s
}

// sameSystem leaves the operations of system as they were: a policy that blocks
// anything of process or file would otherwise block them as well.
func (d *draft) sameSystem() {
	s := d.section(policy.System)
	s.comments = append(s.comments, "without this rule a policy about processes or files also blocks these; consider to drop it")
	s.add(rule{name: "as-before", fields: []string{"action: Allow", "operations: [mount, userns, bpf, ptrace, module, signal]"}})
}
