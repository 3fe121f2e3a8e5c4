// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/ruletable"
)

// Limits of AppArmor: a profile names at most 12 targets of exec (the x index
// has 16 values, four are taken: AA_EXEC_COUNT in apparmor_parser), and more
// than 64 profiles of one container would slow down the node.
const (
	maxTargets  = 12
	maxProfiles = 64
	// maxExplored bounds what is built before equal profiles are merged.
	maxExplored = 4096
)

// domain is one profile: what it knows, and which domain each cell leads to.
type domain struct {
	known knowledge
	next  []int // by cell; refused where the cell cannot be executed
}

const refused = -1

// domains are the profiles of a layer. The first is the one that the runtime
// puts the container in.
type domains struct {
	layer   *ir.Layer
	cells   []cell
	all     []domain
	tracked tracked
	// limited says that atoms were forgotten to stay within the limits.
	limited bool
}

// planDomains finds the profiles that a layer needs. stacked says that the first
// profile stays in force beside every other (no_new_privs): it must then hold
// for processes of any lineage.
func planDomains(l *ir.Layer, conds []int, stacked bool) *domains {
	d := &domains{layer: l}
	for _, c := range conds {
		cond := l.Lineage.Conds[c]
		d.tracked.current |= cond.Exe | cond.Parent | cond.Ancestor
		d.tracked.parent |= cond.Parent
		d.tracked.seen |= cond.Ancestor
	}
	d.cells = cells(l, d.tracked.current)
	for {
		var start knowledge
		if !stacked {
			start.parentKnown, start.seenKnown = d.tracked.parent, d.tracked.seen
		}
		if d.explore(start) {
			d.merge(conds)
			if d.fits() {
				return d
			}
		}
		var more bool
		if d.tracked, more = d.tracked.forget(); !more {
			d.tracked = tracked{}
		}
		d.limited = true
	}
}

// explore builds the domains that can be reached. It gives up, with false, when
// there are too many.
func (d *domains) explore(start knowledge) bool {
	d.all = []domain{{known: start}}
	index := map[knowledge]int{start: 0}
	for i := 0; i < len(d.all); i++ {
		k := d.all[i].known
		next := make([]int, len(d.cells))
		for c, cell := range d.cells {
			if !cell.executable(d.layer, k) {
				next[c] = refused
				continue
			}
			after := k.after(&d.layer.Lineage, d.tracked, cell.atoms, cell.known)
			target, ok := index[after]
			if !ok {
				if len(d.all) == maxExplored {
					return false
				}
				target = len(d.all)
				index[after] = target
				d.all = append(d.all, domain{known: after})
			}
			next[c] = target
		}
		d.all[i].next = next
	}
	return true
}

// merge makes one of domains that no rule and no sequence of execs tells apart
// (Moore's algorithm), and keeps the order of the first of each.
func (d *domains) merge(conds []int) {
	class := d.classify(func(i int) string {
		var b strings.Builder
		for _, c := range conds {
			fmt.Fprint(&b, d.all[i].known.holds(d.layer.Lineage.Conds[c]), " ")
		}
		return b.String()
	})
	for {
		refined := d.classify(func(i int) string {
			var b strings.Builder
			fmt.Fprint(&b, class[i])
			for _, n := range d.all[i].next {
				if n != refused {
					n = class[n]
				}
				fmt.Fprint(&b, " ", n)
			}
			return b.String()
		})
		same := slices.Equal(class, refined)
		class = refined
		if same {
			break
		}
	}
	var merged []domain
	for i, dom := range d.all {
		if class[i] < len(merged) {
			continue
		}
		next := slices.Clone(dom.next)
		for c, n := range next {
			if n != refused {
				next[c] = class[n]
			}
		}
		merged = append(merged, domain{known: dom.known, next: next})
	}
	d.all = merged
}

// classify numbers domains by a signature, in order of the first of each.
func (d *domains) classify(signature func(int) string) []int {
	numbers := map[string]int{}
	out := make([]int, len(d.all))
	for i := range d.all {
		s := signature(i)
		if _, ok := numbers[s]; !ok {
			numbers[s] = len(numbers)
		}
		out[i] = numbers[s]
	}
	return out
}

// fits says whether the parser and the node can take the domains.
func (d *domains) fits() bool {
	if len(d.all) > maxProfiles {
		return false
	}
	for _, dom := range d.all {
		targets := map[int]bool{}
		for _, n := range dom.next {
			if n != refused {
				targets[n] = true
			}
		}
		if len(targets) > maxTargets {
			return false
		}
	}
	return true
}

// known says for alerts what each profile knows of the lineage; nothing where
// there is one alone.
func (b *builder) known() []ruletable.Domain {
	if len(b.domains.all) == 1 {
		return nil
	}
	var out []ruletable.Domain
	l := &b.layer.Lineage
	every := uint64(1)<<len(l.Atoms) - 1
	for i, d := range b.domains.all {
		name := b.name
		if i > 0 {
			name = domainName(i)
		}
		k := d.known
		out = append(out, ruletable.DomainOf(name, ir.State{Current: k.current, Parent: k.parent, Seen: k.seen},
			ir.State{Current: every &^ k.currentKnown, Parent: l.Parents &^ k.parentKnown, Seen: l.Ancestors &^ k.seenKnown}))
	}
	return out
}
