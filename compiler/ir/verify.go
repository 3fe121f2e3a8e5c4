// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"errors"
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// Verify checks the invariants that back-ends rely on. A violation is a defect
// of lower, never of the input.
func (p *Program) Verify() error {
	var errs []error
	names := map[string]bool{}
	for i, u := range p.Units {
		if names[u.Name] {
			errs = append(errs, fmt.Errorf("unit %s: name used twice", u.Name))
		}
		names[u.Name] = true
		if i > 0 && p.Units[i-1].Name > u.Name {
			errs = append(errs, fmt.Errorf("unit %s: out of order", u.Name))
		}
		if err := u.verify(); err != nil {
			errs = append(errs, fmt.Errorf("unit %s: %w", u.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (u *Unit) verify() error {
	if u.Enforced == nil {
		return errors.New("no enforced layer")
	}
	if (u.Workload == nil) != (u.Container == nil) {
		return errors.New("a workload without container or the reverse")
	}
	var errs []error
	for _, p := range u.Enforced.Policies {
		if p.Mode != policy.Enforce {
			errs = append(errs, fmt.Errorf("policy %s in mode Audit takes part in verdicts", p.ID()))
		}
	}
	for _, l := range append([]*Layer{u.Enforced}, u.Audits...) {
		errs = append(errs, l.verify())
	}
	for _, l := range u.Audits {
		if len(l.Policies) != 1 {
			errs = append(errs, errors.New("policies in mode Audit are not decided alone"))
		}
	}
	return errors.Join(errs...)
}

func (l *Layer) verify() error {
	var errs []error
	if b := l.Lineage.Bits(); b > MaxAtoms {
		errs = append(errs, fmt.Errorf("lineage needs %d bits", b))
	}
	cond := func(what string, i int) {
		if i != Always && (i < 0 || i >= len(l.Lineage.Conds)) {
			errs = append(errs, fmt.Errorf("%s: condition %d of %d", what, i, len(l.Lineage.Conds)))
		}
	}
	for _, c := range l.Lineage.Conds {
		if c.Parent&^l.Lineage.Parents != 0 || c.Ancestor&^l.Lineage.Ancestors != 0 {
			errs = append(errs, errors.New("a condition on an atom that the state does not keep"))
		}
	}
	if t := l.Paths; t != nil {
		errs = append(errs, t.verify())
		if t.Atoms != len(l.Lineage.Atoms) {
			errs = append(errs, fmt.Errorf("paths know %d atoms of %d", t.Atoms, len(l.Lineage.Atoms)))
		}
		for _, g := range t.Groups {
			cond("path group", g.Cond)
		}
		for _, r := range t.Rules {
			cond(r.Rule.ID(), r.Cond)
			if r.Group < 0 || r.Group >= len(t.Groups) || t.Groups[r.Group].Action != r.Rule.Action {
				errs = append(errs, fmt.Errorf("%s: group %d", r.Rule.ID(), r.Group))
			}
		}
	}
	if l.Network != nil {
		for i := range l.Network.Rules {
			r := &l.Network.Rules[i]
			cond(r.Rule.ID(), r.Cond)
			errs = append(errs, r.verify())
		}
	}
	for _, t := range []*MaskTable{l.Capabilities, l.System} {
		if t != nil {
			for _, g := range t.Groups {
				cond(g.Rule.ID(), g.Cond)
				if g.Mask == 0 {
					errs = append(errs, fmt.Errorf("%s is about nothing", g.Rule.ID()))
				}
			}
		}
	}
	return errors.Join(errs...)
}

func (t *PathTable) verify() error {
	var errs []error
	if t.Set == nil {
		return errors.New("paths without automaton")
	}
	for i, g := range t.Groups {
		if g.Section != policy.Process && g.Section != policy.File || t.of(g.Section) == nil {
			errs = append(errs, fmt.Errorf("group %d belongs to no governed section", i))
		}
		if (g.Section == policy.Process) != (g.Access == policy.AccessExec) || g.Access == 0 {
			errs = append(errs, fmt.Errorf("group %d: access %q in %s", i, g.Access, g.Section))
		}
		if slices.Contains(t.Groups[:i], g) {
			errs = append(errs, fmt.Errorf("group %d exists twice", i))
		}
	}
	return errors.Join(errs...)
}

func (r *NetworkRule) verify() error {
	for i := range r.Addresses {
		a := r.Addresses[i]
		if !sameFamily(a.First, a.Last) || a.Last.Less(a.First) || i > 0 && !r.Addresses[i-1].Last.Less(a.First) {
			return fmt.Errorf("%s: addresses out of order", r.Rule.ID())
		}
	}
	for _, ranges := range r.Ports {
		for i := range ranges {
			if ranges[i].Last < ranges[i].First || i > 0 && int(ranges[i].First) <= int(ranges[i-1].Last)+1 {
				return fmt.Errorf("%s: ports out of order", r.Rule.ID())
			}
		}
	}
	if len(r.Families) == 0 {
		return fmt.Errorf("%s: no address family", r.Rule.ID())
	}
	return nil
}
