// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// Dump writes the unit as text for people and for tests: what was understood,
// not how it is stored.
func (u *Unit) Dump() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "unit %s\n", u.Name)
	for _, p := range u.Policies {
		fmt.Fprintf(&b, "  policy %s mode %s\n", p.ID(), p.Mode)
	}
	if u.Workload != nil {
		fmt.Fprintf(&b, "  container %s of %s %s/%s\n", u.Container.Name, u.Workload.Kind, u.Workload.Namespace, u.Workload.Name)
	}
	fmt.Fprintf(&b, "enforced\n")
	u.Enforced.dump(&b)
	for _, l := range u.Audits {
		fmt.Fprintf(&b, "would, by %s\n", l.Policies[0].ID())
		l.dump(&b)
	}
	return b.Bytes()
}

func (l *Layer) dump(b *bytes.Buffer) {
	l.Lineage.dump(b)
	l.Paths.dump(b)
	l.Network.dump(b)
	l.Syscalls.dump(b)
	l.Capabilities.dump(b, "capabilities", capabilityNames)
	l.System.dump(b, "system", systemNames)
}

func (l *Lineage) dump(b *bytes.Buffer) {
	if len(l.Conds) == 0 {
		return
	}
	fmt.Fprintf(b, "  lineage (%d bits)\n", l.Bits())
	for i, a := range l.Atoms {
		fmt.Fprintf(b, "    atom %d: %s\n", i, strings.Join(a, " | "))
	}
	for i, c := range l.Conds {
		fmt.Fprintf(b, "    condition %d:", i)
		for _, part := range []struct {
			name string
			mask uint64
		}{{"exe", c.Exe}, {"parent", c.Parent}, {"ancestor", c.Ancestor}} {
			for atom := range l.Atoms {
				if part.mask>>atom&1 != 0 {
					fmt.Fprintf(b, " %s=%d", part.name, atom)
				}
			}
		}
		b.WriteByte('\n')
	}
}

func when(cond int) string {
	if cond == Always {
		return ""
	}
	return fmt.Sprintf(" if condition %d", cond)
}

func (t *PathTable) dump(b *bytes.Buffer) {
	if t == nil {
		return
	}
	fmt.Fprintf(b, "  paths: %d automata, %d states\n", t.Set.Parts(), t.Set.States())
	for _, s := range []policy.Section{policy.Process, policy.File} {
		if d := t.of(s); d != nil {
			fmt.Fprintf(b, "  %s default %s\n", s, d.Action)
		}
	}
	for i, g := range t.Groups {
		fmt.Fprintf(b, "    group %d: %s %s %s%s%s\n", i, g.Section, g.Action, g.Access, when(g.Cond), flags(map[string]bool{"quiet": g.Quiet, "loader": g.Loader, "anonymous": g.Anonymous}))
	}
	for _, r := range t.Rules {
		fmt.Fprintf(b, "    rule %s %s:", r.Policy.ID(), r.Rule.ID())
		for _, g := range r.Globs {
			fmt.Fprintf(b, " %s", g)
		}
		b.WriteByte('\n')
	}
}

func flags(set map[string]bool) string {
	var s string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if set[name] {
			s += " " + name
		}
	}
	return s
}

func (t *NetworkTable) dump(b *bytes.Buffer) {
	if t == nil {
		return
	}
	fmt.Fprintf(b, "  network default ingress %s, egress %s\n", t.Ingress.Action, t.Egress.Action)
	for i := range t.Rules {
		r := &t.Rules[i]
		fmt.Fprintf(b, "    %s %s %s%s%s families %s", r.Policy.ID(), r.Rule.ID(), r.Rule.Action, direction(r.Direction), when(r.Cond), strings.Join(r.Families, ","))
		if len(r.Types) > 0 {
			fmt.Fprintf(b, " types %s", strings.Join(r.Types, ","))
		}
		b.WriteByte('\n')
		r.dumpPeers(b)
		for _, protocol := range slices.Sorted(maps.Keys(r.Ports)) {
			fmt.Fprintf(b, "      ports %s", protocol)
			for _, p := range r.Ports[protocol] {
				fmt.Fprintf(b, " %d-%d", p.First, p.Last)
			}
			b.WriteByte('\n')
		}
		for _, h := range r.HTTP {
			fmt.Fprintf(b, "      http %s %s\n", orAny(h.Method), anyRegexp(h))
		}
	}
}

func (r *NetworkRule) dumpPeers(b *bytes.Buffer) {
	for _, s := range r.Pods {
		if s.Namespace != "" {
			fmt.Fprintf(b, "      pods %s in namespace %s\n", selector(s.Pods), s.Namespace)
		} else {
			fmt.Fprintf(b, "      pods %s in namespaces %s\n", selector(s.Pods), selector(s.Namespaces))
		}
	}
	for _, a := range r.Addresses {
		fmt.Fprintf(b, "      addresses %s-%s\n", a.First, a.Last)
	}
	for _, n := range r.Names {
		fmt.Fprintf(b, "      names %s\n", n)
	}
	if r.ClusterDNS {
		fmt.Fprintf(b, "      cluster DNS\n")
	}
}

func direction(d policy.Direction) string {
	if d == policy.BothDirections {
		return " both directions"
	}
	return " " + d.String()
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}

func anyRegexp(h HTTPSet) string {
	if h.Path == nil {
		return "any"
	}
	return h.Path.String()
}

func selector(s policy.Selector) string {
	if len(s.Requirements) == 0 {
		return "{}"
	}
	var parts []string
	for _, r := range s.Requirements {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Key, r.Operator, strings.Join(r.Values, ","))))
	}
	return "{" + strings.Join(parts, "; ") + "}"
}

func (t *SyscallTable) dump(b *bytes.Buffer) {
	if t == nil {
		return
	}
	base := "none"
	if t.RuntimeDefault {
		base = "runtime default"
	}
	fmt.Fprintf(b, "  syscalls default %s, base %s\n", t.Default.Action, base)
	for _, name := range slices.Sorted(maps.Keys(t.Calls)) {
		for _, c := range t.Calls[name].Cases {
			fmt.Fprintf(b, "    %s %s by %s %s", name, c.Rule.Action, c.Policy.ID(), c.Rule.ID())
			for _, a := range c.Args {
				fmt.Fprintf(b, " arg%d %s %#x", a.Index, a.Op, a.Value)
				if a.Op == policy.ArgMaskedEqual {
					fmt.Fprintf(b, " mask %#x", a.Mask)
				}
			}
			if c.Rule.Action == policy.Block {
				fmt.Fprintf(b, " errno %d", c.Errno)
			}
			b.WriteByte('\n')
		}
	}
}

func (t *MaskTable) dump(b *bytes.Buffer, section string, names func(uint64) string) {
	if t == nil {
		return
	}
	fmt.Fprintf(b, "  %s default %s for %s\n", section, t.Default.Action, names(t.Covers))
	for _, g := range t.Groups {
		fmt.Fprintf(b, "    %s %s by %s %s%s\n", names(g.Mask), g.Rule.Action, g.Policy.ID(), g.Rule.ID(), when(g.Cond))
	}
}

func capabilityNames(mask uint64) string {
	var names []string
	all := true
	for _, c := range linux.Capabilities() {
		if mask>>c.Number&1 != 0 {
			names = append(names, c.Name)
		} else {
			all = false
		}
	}
	if all {
		return "all"
	}
	slices.Sort(names)
	return list(names)
}

func systemNames(mask uint64) string {
	var names []string
	for _, o := range policy.SystemOperations {
		if mask>>o&1 != 0 {
			names = append(names, o.String())
		}
	}
	return list(names)
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ",")
}
