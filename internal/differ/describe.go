// SPDX-License-Identifier: Apache-2.0

package differ

import (
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
)

// Describe writes a trial for people: the policies in short, and the attempts.
func Describe(t *Trial) string {
	var b strings.Builder
	fmt.Fprintf(&b, "no_new_privs %v, entry %q\n", t.NoNewPrivs, t.Entry)
	for _, p := range t.Policies {
		fmt.Fprintf(&b, "policy %s, mode %s\n", p.Name, p.Mode)
		for _, s := range []policy.Section{policy.Process, policy.File} {
			section := p.Paths(s)
			if section == nil {
				continue
			}
			fmt.Fprintf(&b, "  %s: default %s\n", s, section.Default)
			for _, r := range section.Rules {
				fmt.Fprintf(&b, "    %s: %s %s%s%s", r.Name, r.Action, r.Access, texts(" paths", r.Paths), texts(" names", r.Names))
				if r.Anonymous {
					b.WriteString(" anonymous")
				}
				writeFrom(&b, r.From)
			}
		}
		if s := p.Capabilities; s != nil {
			fmt.Fprintf(&b, "  capabilities: default %s\n", s.Default)
			for _, r := range s.Rules {
				fmt.Fprintf(&b, "    %s: %s%s", r.Name, r.Action, texts("", r.Names))
				writeFrom(&b, r.From)
			}
		}
	}
	for _, a := range t.Attempts {
		fmt.Fprintf(&b, "- %s\n", a)
	}
	return b.String()
}

func writeFrom(b *strings.Builder, f *policy.From) {
	if f != nil {
		fmt.Fprintf(b, " from%s%s%s", texts(" exe", f.Exe), texts(" parent", f.Parent), texts(" ancestor", f.Ancestor))
	}
	b.WriteString("\n")
}

func texts(label string, ps []policy.Pattern) string {
	if len(ps) == 0 {
		return ""
	}
	var out []string
	for _, p := range ps {
		out = append(out, p.Text)
	}
	return label + " [" + strings.Join(out, " ") + "]"
}
