// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// builder writes the profiles of one unit.
type builder struct {
	unit *ir.Unit
	name string // of the first profile
	// layer is what the profiles hold; that of the first policy when all are in
	// mode Audit.
	layer    *ir.Layer
	complain bool
	stacked  bool
	domains  *domains
	// tooLong are patterns that could not be written.
	tooLong []*automata.Glob
}

// block is one profile that is being written.
type block struct {
	*builder
	at    int
	known knowledge
	rules []string
}

// rule adds a rule, without the comma, once.
func (b *block) rule(format string, args ...any) {
	if r := fmt.Sprintf(format, args...) + ","; !slices.Contains(b.rules, r) {
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
		p := &block{builder: b, at: i, known: b.domains.all[i].known}
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
	if b.complain || !b.blocksFiles() || t.Process == nil || t.Process.Action != policy.Block {
		flags = append(flags, "attach_disconnected")
	}
	if b.complain || !b.blocksFiles() {
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
		for _, p := range b.patterns(g, both) {
			b.rule("%s", strings.TrimSpace(before+" "+p+" "+permissions))
		}
	}
}

// patterns writes a glob; one that would be too long is noted and left out.
func (b *builder) patterns(g *automata.Glob, form func(*automata.Glob) ([]string, error)) []string {
	out, err := form(g)
	if err != nil && !slices.Contains(b.tooLong, g) {
		b.tooLong = append(b.tooLong, g)
	}
	return out
}

// blocks are the Block rules of a section that hold in the domain and that the
// first profile does not hold already.
func (b *block) blocks(s policy.Section) []*ir.PathRule {
	var out []*ir.PathRule
	if b.complain {
		return nil // a denial would deny: see wouldBlock
	}
	for _, r := range b.layer.Paths.Rules {
		if r.Rule.Section == s && r.Rule.Action == policy.Block && holds(b.layer, b.known, r.Cond) == surely && !(b.inner() && r.Cond == ir.Always) {
			out = append(out, r)
		}
	}
	return out
}

// files writes the section `file`.
func (b *block) files() {
	t := b.layer.Paths
	allowAll := func(before string) { b.rule("%s", strings.TrimSpace(before+` /{,**} rwlkm`)) }
	if t == nil || t.File == nil {
		allowAll("")
		return
	}
	var allows []*ir.PathRule
	same := true // as in the first profile
	for _, r := range t.Rules {
		if r.Rule.Section != policy.File || r.Rule.Action == policy.Block {
			continue
		}
		if holds(b.layer, b.known, r.Cond) == never {
			same = false
		} else {
			allows = append(allows, r)
		}
	}
	switch {
	case t.File.Action == policy.Block && b.inner() && same:
		allowAll("")
		allows = nil
	case t.File.Action == policy.Block && b.inner():
		b.ownImages()
	case t.File.Action == policy.Audit && !b.inner():
		allowAll("audit")
	case t.File.Action != policy.Block:
		allowAll("")
	}
	for _, r := range allows {
		permissions := granted(r.Access)
		switch audit := r.Rule.Action == policy.Audit; {
		case permissions == "" || !audit && t.File.Action != policy.Block:
		case audit:
			b.paths("audit", r.Globs, permissions)
		default:
			b.paths("", r.Globs, permissions)
		}
	}
	for _, r := range b.blocks(policy.File) {
		if permissions := denied(r.Access); permissions != "" {
			b.paths(verb(r.Rule.Quiet), r.Globs, permissions)
		}
		if r.Access&policy.AccessLink != 0 {
			b.paths(verb(r.Rule.Quiet)+" link /** ->", r.Globs, "")
		}
	}
}

// ownImages lets a program that changed domain be mapped: the kernel asks the
// new profile for the image, the dynamic loader and the interpreter of a script
// (common_mmap). The first profile still says who may read them otherwise.
func (b *block) ownImages() {
	for c, cell := range b.domains.cells {
		if b.domains.all[0].next[c] != refused {
			for _, p := range b.patterns(cell.glob, patterns) {
				b.rule("%s mr", p)
			}
		}
	}
	for _, p := range b.patterns(loader, patterns) {
		b.rule("%s mr", p)
	}
}

var loader = parseGlob(ir.LoaderPattern)

// programs writes the section `process`.
func (b *block) programs() {
	for c, cell := range b.domains.cells {
		target := b.domains.all[b.at].next[c]
		if target == refused {
			continue
		}
		form := patterns
		if cell.glob == everything {
			form = both // the kernel names a program in a memfd "/"
		}
		for _, p := range b.patterns(cell.glob, form) {
			b.rule("%s", strings.TrimSpace(b.audited(cell)+" "+p+" "+b.mode(target)))
		}
	}
	t := b.layer.Paths
	if t == nil || t.Process == nil {
		return
	}
	for _, r := range b.blocks(policy.Process) {
		permissions := "x"
		if r.Cond == ir.Always {
			permissions = "mx"
		}
		for _, g := range r.Globs {
			for _, p := range b.patterns(g, patterns) {
				b.rule("%s %s %s", verb(r.Rule.Quiet), p, permissions)
			}
		}
	}
	if b.complain {
		// What a profile in complain form does not allow leads to a profile that the
		// kernel makes up, without the floor.
		if t.Process.Action == policy.Block {
			b.rule("audit /** ix")
		}
	} else if b.deniesLoader(b.known) && !(b.inner() && b.deniesLoader(b.domains.all[0].known)) {
		for _, p := range b.patterns(loader, patterns) {
			b.rule("audit deny %s x", p)
		}
	}
}

// mode is how a program starts that leads to a domain. For the parser `ix` implies
// `m`, which would let be mapped what may only be executed; a transition to the
// same profile does not.
func (b *block) mode(target int) string {
	if b.complain || target == b.at && !b.blocksFiles() {
		return "ix"
	}
	return "px -> " + b.label(target)
}

// audited returns "audit" for programs whose start is reported.
func (b *block) audited(c cell) string {
	t := b.layer.Paths
	if t == nil || t.Process == nil || b.inner() {
		return ""
	}
	audit := c.all && t.Process.Action == policy.Audit
	for _, r := range c.rules {
		audit = audit || r.Rule.Action == policy.Audit && holds(b.layer, b.known, r.Cond) != never
	}
	if audit {
		return "audit"
	}
	return ""
}

// deniesLoader says whether dynamic loaders may not be started directly. A rule
// that names one lets all be: a profile has no exceptions from a denial.
func (b *builder) deniesLoader(k knowledge) bool {
	t := b.layer.Paths
	if !t.BlocksAnything(policy.Process) {
		return false
	}
	return !slices.ContainsFunc(t.Groups, func(g ir.PathGroup) bool {
		return g.Loader && holds(b.layer, k, g.Cond) != never
	})
}

// capabilities writes the section `capabilities`.
func (b *block) capabilities() {
	t := b.layer.Capabilities
	if t == nil {
		b.rule("capability")
		return
	}
	var allowed, audited, quiet []string
	full := true
	for _, name := range linux.CapabilityNames() {
		switch action, silent := b.mask(t, ir.CapabilityBit(name)); {
		case action == policy.Block:
			full = false
			if silent {
				quiet = append(quiet, name)
			}
		case action == policy.Audit:
			audited = append(audited, name)
			allowed = append(allowed, name)
		default:
			allowed = append(allowed, name)
		}
	}
	switch {
	case full:
		b.rule("capability")
	case len(allowed) > 0:
		b.rule("capability %s", words(allowed))
	}
	if len(audited) > 0 && !b.inner() {
		b.rule("audit capability %s", words(audited))
	}
	if len(quiet) > 0 && !b.complain {
		b.rule("deny capability %s", words(quiet))
	}
}

// mask decides about a number: a Block that surely holds, else an Allow or Audit
// that may, else the default. quiet says that no such Block is reported.
func (b *block) mask(t *ir.MaskTable, bit uint64) (action policy.Action, quiet bool) {
	found := false
	quiet = true
	for _, g := range t.Groups {
		how := holds(b.layer, b.known, g.Cond)
		if g.Mask&bit == 0 || how == never || g.Rule.Action == policy.Block && how != surely {
			continue
		}
		if !found || g.Rule.Action > action {
			action = g.Rule.Action
		}
		found = true
		quiet = quiet && (g.Rule.Action != policy.Block || g.Rule.Quiet)
	}
	if !found {
		if t.Covers&bit == 0 {
			return policy.Allow, false
		}
		return t.Default.Action, false
	}
	return action, action == policy.Block && quiet
}

func words(names []string) string { return strings.ToLower(strings.Join(names, " ")) }

// wouldBlock reports what policies in mode Audit would block. Where the profile
// allows a path at all, `audit` reports its use.
func (b *block) wouldBlock() {
	if b.inner() {
		return
	}
	open := func(d *ir.Default) bool { return d == nil || d.Action != policy.Block }
	enforced := b.unit.Enforced.Paths
	for _, l := range b.unit.Audits {
		if l.Paths == nil {
			continue
		}
		for _, r := range l.Paths.Rules {
			if r.Rule.Action != policy.Block || r.Rule.Quiet {
				continue
			}
			switch {
			case r.Rule.Section == policy.File && (enforced == nil || open(enforced.File)):
				if permissions := granted(r.Access); permissions != "" {
					b.paths("audit", r.Globs, permissions)
				}
			case r.Rule.Section == policy.Process && (enforced == nil || open(enforced.Process)) && len(b.domains.all) == 1:
				for _, g := range r.Globs {
					for _, p := range b.patterns(g, patterns) {
						b.rule("audit %s %s", p, b.mode(b.at))
					}
				}
			}
		}
	}
}
