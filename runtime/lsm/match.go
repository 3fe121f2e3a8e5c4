// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

// match finds the rule by which a layer blocks or audits.
func (u *unit) match(r *Record, layer int, block bool) (ruletable.Match, bool) {
	if u.rules == nil || layer > len(u.audits) {
		return ruletable.Match{}, false
	}
	certainly, perhaps := r.readings(r.Carried>>layer&1 != 0)
	for _, readings := range [][]ruletable.Operation{certainly, perhaps} {
		if m, ok := u.first(readings, layer, block); ok {
			return m, true
		}
	}
	return ruletable.Match{}, false
}

// first returns the first match of several readings: of rules that are to be
// reported, if there are any. It is certain when there is no other.
func (u *unit) first(readings []ruletable.Operation, layer int, block bool) (best ruletable.Match, found bool) {
	for _, op := range readings {
		op.Denied = block
		for _, m := range u.matches(op, layer) {
			if (m.Action == policy.Block) != block {
				continue
			}
			switch {
			case !found || best.Quiet && !m.Quiet:
				best, found = m, true
			case !m.Quiet && (m.Rule != best.Rule || m.Policy != best.Policy):
				best.Certain = false
			}
		}
	}
	return best, found
}

func (u *unit) matches(op ruletable.Operation, layer int) []ruletable.Match {
	if layer == 0 {
		if m, ok := u.rules.Attribute(op); ok {
			return []ruletable.Match{m}
		}
		return nil
	}
	for _, m := range u.rules.Would(op) {
		if m.Policy == u.audits[layer-1] {
			return []ruletable.Match{m}
		}
	}
	return nil
}

// readings are what a report is about in the language. The second ones are
// considered when the first explain nothing: a report of a rename does not say
// whether the target was replaced, or both names exchanged.
func (r *Record) readings(carried bool) (certainly, perhaps []ruletable.Operation) {
	lineage := ruletable.Lineage{Atoms: &ruletable.Atoms{Exe: r.State.Current, Parent: r.State.Parent, Ancestor: r.State.Seen}}
	if r.Lost != 0 {
		lineage = ruletable.Lineage{} // anything may have been before
	}
	file := func(access policy.Access, o policy.Object) ruletable.Operation {
		return ruletable.Operation{Section: policy.File, Access: access, Object: o, Lineage: lineage}
	}
	from, to := r.Objects[0], r.Objects[1]
	switch {
	case r.Kind == bpf.KindSystem:
		return []ruletable.Operation{{Section: policy.System, System: policy.SystemOperations[r.Operation], Lineage: lineage}}, nil
	case r.Kind == bpf.KindExec:
		return []ruletable.Operation{{Section: policy.Process, Object: from, Lineage: lineage}}, nil
	case carried:
		return []ruletable.Operation{{Section: policy.File, Object: from, Carried: true, Target: to, Lineage: lineage}}, nil
	case r.moves():
		access := policy.Access(r.Access)
		return []ruletable.Operation{file(access, from), file(policy.AccessCreate, to)},
			[]ruletable.Operation{file(policy.AccessDelete, to), file(access, to), file(policy.AccessCreate, from)}
	}
	return []ruletable.Operation{file(policy.Access(r.Access), from)}, nil
}
