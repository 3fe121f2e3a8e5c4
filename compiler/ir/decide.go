// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"errors"
	"slices"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// ErrUndecided is returned when the carry-out check of a directory would need
// more steps than its budget.
var ErrUndecided = errors.New("carry-out check is beyond its budget")

// Base says whether the runtime's default profile allows a system call.
type Base func(policy.SyscallCall) bool

// Result is what a unit decides about an operation.
type Result struct {
	// Verdict is that of the enforced layer.
	Verdict policy.Verdict
	// Would has one verdict per policy in mode Audit: as if it were enforced alone.
	Would []policy.Verdict
}

// Decide decides an operation for the unit's container.
func (u *Unit) Decide(op policy.Operation, base Base) (Result, error) {
	verdict, err := u.Enforced.Decide(op, base)
	result := Result{Verdict: verdict}
	for _, l := range u.Audits {
		v, e := l.Decide(op, base)
		result.Would = append(result.Would, v)
		err = errors.Join(err, e)
	}
	return result, err
}

// Decide decides an operation. The error is ErrUndecided or nil.
func (l *Layer) Decide(op policy.Operation, base Base) (policy.Verdict, error) {
	state := l.StateOf(op.Lineage)
	switch op.Kind {
	case policy.OpExec:
		return l.exec(state, op.Images), nil
	case policy.OpFile:
		return l.file(state, op.Access, op.Object), nil
	case policy.OpRename, policy.OpLink:
		return l.move(state, op)
	case policy.OpNetwork:
		return l.network(state, op.Flow), nil
	case policy.OpSyscall:
		return l.syscall(op.Syscall, base), nil
	case policy.OpCapability:
		return l.Capabilities.decide(l, state, CapabilityBit(op.Capability)), nil
	default:
		return l.System.decide(l, state, 1<<op.System), nil
	}
}

// StateOf returns the state after the images were executed one after the other.
func (l *Layer) StateOf(images []string) State {
	var s State
	if l.Paths == nil {
		return s
	}
	for _, image := range images {
		s = l.Lineage.Exec(s, l.Paths.AtomsOf(image))
	}
	return s
}

// AtomsOf returns the lineage atoms that an image of this path matches.
func (t *PathTable) AtomsOf(path string) uint64 {
	var mask uint64
	for label := range t.Set.Match(path).All() {
		if i := label - len(t.Groups); i >= 0 && label != t.LoaderLabel() {
			mask |= 1 << i
		}
	}
	return mask
}

// combine returns the strictest verdict: of Blocks the first that is reported,
// else the first; of others the first.
func combine(verdicts ...policy.Verdict) policy.Verdict {
	best := verdicts[0]
	for _, v := range verdicts[1:] {
		if v.Action > best.Action || v.Action == policy.Block && best.Action == policy.Block && v.Report && !best.Report {
			best = v
		}
	}
	return best
}

func byDefault(d *Default) policy.Verdict {
	v := policy.Verdict{Action: d.Action, Rule: d.Rule, Report: d.Action != policy.Allow}
	return v
}

// exec decides about every image that one exec checks.
func (l *Layer) exec(s State, images []policy.Object) policy.Verdict {
	var out policy.Verdict
	if l.Paths == nil || l.Paths.Process == nil {
		return out
	}
	verdicts := make([]policy.Verdict, 0, len(images))
	for i, image := range images {
		if image.Class == policy.Unnamed {
			image.Class = policy.Anonymous
		}
		v := l.object(s, policy.Process, policy.AccessExec, image)
		byRule := v.Action == policy.Block && v.Rule != l.Paths.Process.Rule
		if i == len(images)-1 && !byRule {
			v = l.loader(s, image, v)
		}
		verdicts = append(verdicts, v)
	}
	if len(verdicts) == 0 {
		return out
	}
	return strictestFirst(verdicts)
}

// strictestFirst returns the first of the strictest verdicts.
func strictestFirst(verdicts []policy.Verdict) policy.Verdict {
	return slices.MaxFunc(verdicts, func(a, b policy.Verdict) int { return int(a.Action) - int(b.Action) })
}

// loader blocks starting a dynamic loader directly, unless it is allowed by path.
func (l *Layer) loader(s State, image policy.Object, v policy.Verdict) policy.Verdict {
	t := l.Paths
	if image.Class != policy.Named {
		return v
	}
	labels := t.Set.Match(image.Path)
	if !labels.Has(t.LoaderLabel()) {
		return v
	}
	for i, g := range t.Groups {
		if g.Loader && labels.Has(i) && l.Lineage.Holds(g.Cond, s) {
			return v
		}
	}
	return policy.Verdict{Action: policy.Block, Report: true, Rule: l.builtin(policy.Process, policy.BuiltinLoader)}
}

// builtin names a built-in decision after the first policy that blocks anything
// in the section.
func (l *Layer) builtin(s policy.Section, name string) policy.RuleRef {
	ref := policy.RuleRef{Rule: s.String() + "/" + name}
	for _, p := range l.Policies {
		if p.Paths(s).BlocksAnything() {
			ref.Policy = p.ID()
			break
		}
	}
	return ref
}

// object decides about one object by the rules of one section.
func (l *Layer) object(s State, section policy.Section, access policy.Access, o policy.Object) policy.Verdict {
	t := l.Paths
	if t == nil || t.of(section) == nil {
		return policy.Verdict{}
	}
	d := t.of(section)
	switch {
	case o.Class == policy.Unnamed:
		return policy.Verdict{}
	case o.Class == policy.Named && automata.IsCanonical(o.Path):
		labels := t.Set.Match(o.Path)
		if v, ok := l.rules(s, section, access, func(group int) bool { return labels.Has(group) }, o); ok {
			return v
		}
		return byDefault(d)
	case o.Class == policy.Anonymous:
		if v, ok := l.rules(s, section, access, func(group int) bool { return t.Groups[group].Anonymous }, o); ok {
			return v
		}
		if d.Action == policy.Block {
			return byDefault(d)
		}
		return policy.Verdict{}
	}
	if t.BlocksAnything(section) {
		return policy.Verdict{Action: policy.Block, Report: true, Rule: l.builtin(section, policy.BuiltinUnresolved)}
	}
	return byDefault(d)
}

// rules finds the strictest action among the groups that the object is in, and
// names the rule. ok is false when no rule matches.
func (l *Layer) rules(s State, section policy.Section, access policy.Access, in func(group int) bool, o policy.Object) (v policy.Verdict, ok bool) {
	t := l.Paths
	loud := false
	for i, g := range t.Groups {
		if g.Section != section || g.Access&access == 0 || !in(i) || !l.Lineage.Holds(g.Cond, s) {
			continue
		}
		if !ok || g.Action > v.Action {
			v, ok, loud = policy.Verdict{Action: g.Action}, true, false
		}
		if g.Action == v.Action && !g.Quiet {
			loud = true
		}
	}
	if !ok {
		return v, false
	}
	v.Report = v.Action != policy.Allow && loud
	v.Rule = l.name(s, section, access, v.Action, loud, o)
	return v, true
}

// name finds the first rule that decided: user space does this from the path
// of a report, since the automaton keeps no rule numbers.
func (l *Layer) name(s State, section policy.Section, access policy.Access, action policy.Action, loud bool, o policy.Object) policy.RuleRef {
	for _, r := range l.Paths.Rules {
		if r.Rule.Section != section || r.Rule.Action != action || r.Access&access == 0 || loud && r.Rule.Quiet || !l.Lineage.Holds(r.Cond, s) {
			continue
		}
		if o.Class == policy.Anonymous && r.Anonymous || o.Class == policy.Named && r.Matches(o.Path) {
			return r.Ref()
		}
	}
	return policy.RuleRef{}
}

// file decides about one access of a file.
func (l *Layer) file(s State, access policy.Access, o policy.Object) policy.Verdict {
	v := l.object(s, policy.File, access, o)
	if access == policy.AccessMap {
		if mapped, ok := l.mapByProcess(o); ok {
			v = combine(v, mapped)
		}
	}
	return v
}

// mapByProcess says whether a Block rule of process without a condition on the
// lineage also blocks mapping the object as executable.
func (l *Layer) mapByProcess(o policy.Object) (policy.Verdict, bool) {
	if l.Paths == nil || l.Paths.Process == nil {
		return policy.Verdict{}, false
	}
	var labels func(int) bool
	switch named := o.Class == policy.Named && automata.IsCanonical(o.Path); {
	case o.Class == policy.Anonymous:
		labels = func(group int) bool { return l.Paths.Groups[group].Anonymous }
	case named:
		set := l.Paths.Set.Match(o.Path)
		labels = set.Has
	case o.Class == policy.Unnamed:
		return policy.Verdict{}, false
	default:
		// A file that cannot be named may be any, so it fails closed.
		closed := slices.ContainsFunc(l.Paths.Groups, PathGroup.blocksMap)
		return policy.Verdict{Action: policy.Block, Report: true, Rule: l.builtin(policy.Process, policy.BuiltinUnresolved)}, closed
	}
	unconditional := func(group int) bool { return l.Paths.Groups[group].blocksMap() && labels(group) }
	// The zero state meets no condition, so that only such rules are named.
	return l.rules(State{}, policy.Process, policy.AccessExec, unconditional, o)
}
