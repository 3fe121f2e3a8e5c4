// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// Lineage is what is known of the images that a process went through. The zero
// value is an unknown lineage.
type Lineage struct {
	// Images are the last ones, oldest first.
	Images []string
	// Complete says that there were none before Images.
	Complete bool
	// Domain names the profile that the process runs in, if the table has it.
	Domain string
	// Atoms, where the kernel tells them, leave nothing open, in policies of either
	// mode; nothing else is looked at then.
	Atoms *Atoms
}

// Atoms are those that hold of a process: bits by index into Table.Lineage.
type Atoms struct {
	Exe, Parent, Ancestor uint64
}

// HasDomain says whether the table describes a domain.
func (t *Table) HasDomain(name string) bool {
	return slices.ContainsFunc(t.Domains, func(d Domain) bool { return d.Name == name })
}

// lineage evaluates conditions, each atom of each field once.
type lineage struct {
	table  *Table
	known  Lineage
	domain *Domain
}

func (t *Table) lineage(l Lineage) *lineage {
	out := &lineage{table: t, known: l}
	if i := slices.IndexFunc(t.Domains, func(d Domain) bool { return d.Name == l.Domain }); i >= 0 {
		out.domain = &t.Domains[i]
	}
	return out
}

// meets says whether the process meets a rule's condition.
func (l *lineage) meets(p *Policy, f *From) truth {
	if f == nil {
		return yes
	}
	if a := l.known.Atoms; a != nil {
		return holds(has(a.Exe, f.Exe) && has(a.Parent, f.Parent) && has(a.Ancestor, f.Ancestor))
	}
	images := l.known.Images
	n := len(images)
	out := yes
	if f.Exe != nil {
		out = min(out, l.field(p, *f.Exe, images[max(n-1, 0):], n >= 1, func(d *Domain) ([]int, []int) { return d.Exe, d.MaybeExe }))
	}
	if f.Parent != nil {
		out = min(out, l.field(p, *f.Parent, images[max(n-2, 0):max(n-1, 0)], n >= 2, func(d *Domain) ([]int, []int) { return d.Parent, d.MaybeParent }))
	}
	if f.Ancestor != nil {
		out = min(out, l.field(p, *f.Ancestor, images[:max(n-1, 0)], false, func(d *Domain) ([]int, []int) { return d.Ancestor, d.MaybeAncestor }))
	}
	return out
}

// has says whether an atom is set, if one is asked for. Those beyond 64 no kernel tells.
func has(set uint64, atom *int) bool { return atom == nil || set>>*atom&1 != 0 }

// field says whether one of the images matches an atom. all says that no other
// images count.
func (l *lineage) field(p *Policy, atom int, images []string, all bool, of func(*Domain) (holds, may []int)) truth {
	out := no
	for _, image := range images {
		out = max(out, l.table.atoms[atom].match(image))
	}
	if all || l.known.Complete || out == yes {
		return out
	}
	if l.domain != nil {
		holds, may := of(l.domain)
		if slices.Contains(holds, atom) {
			return yes
		}
		// Domains are those of the enforced policies, and say nothing of others.
		if p.Mode == policy.Enforce.String() && !slices.Contains(may, atom) {
			return no
		}
	}
	return maybe
}
