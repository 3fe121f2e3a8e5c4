// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// builder writes the profiles of one unit.
type builder struct {
	unit *ir.Unit
	name string // of the first profile
	// layer is what the profiles hold; that of the first policy when all are in
	// mode Audit.
	layer *ir.Layer
	// audits says that all policies are in mode Audit: nothing is blocked but the
	// floor. complain says that the profile has that form, which also reports what
	// no rule allows. A process may leave such a profile for none at all, and the
	// floor with it, unless it runs with no_new_privs (aa_change_profile): so the
	// workload must say so.
	audits, complain bool
	stacked          bool
	domains          *domains
	written          map[spelling][]string
	// tooLong are patterns that could not be written.
	tooLong []*automata.Glob
}

// block is one profile that is being written.
type block struct {
	*builder
	at    int
	known knowledge
	rules []string
	seen  map[string]bool
}

// rule adds a rule, without the comma, once.
func (b *block) rule(format string, args ...any) {
	if r := fmt.Sprintf(format, args...) + ","; !b.seen[r] {
		b.seen[r] = true
		b.rules = append(b.rules, r)
	}
}

// inner says that the first profile stays in force beside this one, so that it
// only has to hold what differs.
func (b *block) inner() bool { return b.stacked && b.at > 0 }

// encode returns the text of all profiles of the unit: those of the domains are
// children of the first.
func (b *builder) encode() []byte {
	var out strings.Builder
	out.WriteString("abi <abi/3.0>,\n\n")
	fmt.Fprintf(&out, "profile %s%s {\n", b.name, b.flags())
	for i := range b.domains.all {
		p := &block{builder: b, at: i, known: b.domains.all[i].known, seen: map[string]bool{}}
		p.write()
		indent := "  "
		if i > 0 {
			fmt.Fprintf(&out, "\n  profile %s%s {\n", domainName(i), b.flags())
			indent = "    "
		}
		for _, r := range p.rules {
			out.WriteString(indent + r + "\n")
		}
		if i > 0 {
			out.WriteString("  }\n")
		}
	}
	out.WriteString("}\n")
	return []byte(out.String())
}

func domainName(i int) string { return fmt.Sprintf("d%d", i) }

// label returns the label that an exec into a domain leads to.
func (b *block) label(target int) string {
	name := b.name
	if target > 0 {
		name += "//" + domainName(target)
		if b.stacked {
			name = b.name + "//&" + name
		}
	}
	return name
}

// flags: an object outside the container's tree of files, such as a program in a
// memfd, is named as if it were inside (attach_disconnected), and a deleted file
// by its old name (mediate_deleted), unless the policy blocks what has no name.
func (b *builder) flags() string {
	var flags []string
	t := b.layer.Paths
	if b.complain {
		flags = append(flags, "complain")
	}
	if b.audits || !b.blocksFiles() || t.Process == nil || t.Process.Action != policy.Block {
		flags = append(flags, "attach_disconnected")
	}
	if b.audits || !b.blocksFiles() {
		flags = append(flags, "mediate_deleted")
	}
	if len(flags) == 0 {
		return ""
	}
	return " flags=(" + strings.Join(flags, ",") + ")"
}

// blocksFiles says whether the default of `file` is Block.
func (b *builder) blocksFiles() bool {
	t := b.layer.Paths
	return t != nil && t.File != nil && t.File.Action == policy.Block
}

func (b *block) write() {
	b.capabilities()
	b.sockets()
	if b.inner() {
		b.rule("mount")
		b.rule("umount")
		b.rule("pivot_root")
		b.rule("ptrace")
		b.rule("signal")
	} else {
		b.system()
		b.floor()
	}
	b.files()
	b.programs()
	b.wouldBlock()
}

// verb is what stands before a Block rule: denials are reported unless the rule
// is quiet.
func verb(quiet bool) string {
	if quiet {
		return "deny"
	}
	return "audit deny"
}

// paths adds a rule for each pattern of the globs, as files and directories.
func (b *block) paths(before string, globs []*automata.Glob, permissions string) {
	for _, g := range globs {
		for _, p := range b.patterns(g, formBoth) {
			b.rule("%s", strings.TrimSpace(before+" "+p+" "+permissions))
		}
	}
}

// patterns writes a glob, once for all profiles; one that would be too long is
// noted and left out.
func (b *builder) patterns(g *automata.Glob, f patternForm) []string {
	key := spelling{g, f}
	out, ok := b.written[key]
	if !ok {
		var err error
		if out, err = translateGlob(g, f); err != nil {
			b.tooLong = append(b.tooLong, g)
		}
		b.written[key] = out
	}
	return out
}

// spelling is a glob in one of its forms.
type spelling struct {
	glob *automata.Glob
	form patternForm
}

// blocks are the Block rules of a section that hold in the domain and that the
// first profile does not hold already.
func (b *block) blocks(s policy.Section) []*ir.PathRule {
	var out []*ir.PathRule
	if b.audits {
		return nil // a denial would deny: see wouldBlock
	}
	for _, r := range b.layer.Paths.Rules {
		if r.Rule.Section == s && r.Rule.Action == policy.Block && holds(b.layer, b.known, r.Cond) == surely && !(b.inner() && r.Cond == ir.Always) {
			out = append(out, r)
		}
	}
	return out
}
