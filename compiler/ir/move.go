// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// carryBudget bounds the pairs of states that a carry-out check of a directory
// may visit.
const carryBudget = 1 << 20

// move decides about a rename or link.
func (l *Layer) move(s State, op policy.Operation) (policy.Verdict, error) {
	if op.Kind == policy.OpLink {
		return l.moveOne(s, policy.AccessLink, op.Object, op.Target, false, op.Directory)
	}
	v, err := l.moveOne(s, policy.AccessRename, op.Object, op.Target, op.TargetExists && !op.Exchange, op.Directory)
	if op.Exchange {
		back, e := l.moveOne(s, policy.AccessRename, op.Target, op.Object, false, op.Directory)
		v = combine(v, back)
		if err == nil {
			err = e
		}
	}
	return v, err
}

func (l *Layer) moveOne(s State, access policy.Access, from, to policy.Object, exists, directory bool) (policy.Verdict, error) {
	verdicts := []policy.Verdict{l.file(s, access, from), l.file(s, policy.AccessCreate, to)}
	if exists {
		verdicts = append(verdicts, l.file(s, policy.AccessDelete, to))
	}
	v := combine(verdicts...)
	if v.Action == policy.Block && v.Report || from.Class != policy.Named || to.Class != policy.Named || !automata.IsCanonical(from.Path) || !automata.IsCanonical(to.Path) {
		return v, nil
	}
	carried, err := l.carriesOut(s, from.Path, to.Path, directory)
	return combine(v, carried), err
}

// single lists every way of use that a rename or link must not free.
var single = func() []policy.Access {
	out := make([]policy.Access, 0, len(policy.AccessNames))
	for _, n := range policy.AccessNames {
		out = append(out, n.Access)
	}
	return out
}()

// carriesOut blocks when something that is blocked at one name, or below it,
// would not be blocked at the other.
func (l *Layer) carriesOut(s State, from, to string, directory bool) (policy.Verdict, error) {
	for _, access := range single {
		at := l.use(s, access, from)
		if at.Action == policy.Block && l.use(s, access, to).Action != policy.Block {
			return carried(at), nil
		}
	}
	// The kernel never moves the root or puts something in its place.
	if !directory || l.Paths == nil || from == "/" || to == "/" {
		return policy.Verdict{}, nil
	}
	suffix, found, err := l.freedBelow(s, from, to)
	if err != nil {
		return policy.Verdict{Action: policy.Block, Report: true, Rule: l.builtin(policy.File, policy.BuiltinCarry)}, ErrUndecided
	}
	if !found {
		return policy.Verdict{}, nil
	}
	for _, access := range single {
		at := l.use(s, access, from+suffix)
		if at.Action == policy.Block && l.use(s, access, to+suffix).Action != policy.Block {
			return carried(at), nil
		}
	}
	return policy.Verdict{}, nil
}

func carried(at policy.Verdict) policy.Verdict {
	at.Rule.Rule = policy.File.String() + "/" + policy.BuiltinCarry
	at.Report = true
	return at
}

func (l *Layer) use(s State, access policy.Access, path string) policy.Verdict {
	o := policy.Object{Class: policy.Named, Path: path}
	if access == policy.AccessExec {
		return l.exec(s, []policy.Object{o})
	}
	return l.file(s, access, o)
}

// freedBelow looks for a suffix under which something is blocked below one
// directory and not below the other. It walks pairs of automaton states: what
// is blocked depends on the labels of a state alone.
func (l *Layer) freedBelow(s State, from, to string) (suffix string, found bool, err error) {
	set := l.Paths.Set
	starts := []automata.State{set.Walk(set.Start(), from), set.Walk(set.Start(), to)}
	path, found, err := set.Search(starts, carryBudget, func(at []automata.State) bool {
		return l.blocked(s, set.Accept(at[0]))&^l.blocked(s, set.Accept(at[1])) != 0
	})
	return string(path), found, err
}

// blocked returns the uses that are blocked at a name with these labels.
func (l *Layer) blocked(s State, labels automata.Labels) policy.Access {
	t := l.Paths
	var blocks, allows policy.Access
	loader := false
	for i, g := range t.Groups {
		if !labels.Has(i) {
			continue
		}
		if g.blocksMap() {
			blocks |= policy.AccessMap
		}
		if !l.Lineage.Holds(g.Cond, s) {
			continue
		}
		if g.Action == policy.Block {
			blocks |= g.Access
		} else {
			allows |= g.Access
			loader = loader || g.Loader
		}
	}
	if t.File != nil && t.File.Action == policy.Block {
		blocks |= policy.AccessFile &^ allows
	}
	if t.Process != nil && t.Process.Action == policy.Block {
		blocks |= policy.AccessExec &^ allows
	}
	if labels.Has(t.LoaderLabel()) && !loader {
		blocks |= policy.AccessExec
	}
	return blocks
}
