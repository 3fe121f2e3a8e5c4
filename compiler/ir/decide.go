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
	if l.Paths == nil || len(images) == 0 {
		return policy.Verdict{}
	}
	verdicts := make([]policy.Verdict, len(images))
	for i, image := range images {
		if image.Class == policy.Unnamed {
			image.Class = policy.Anonymous
		}
		class, labels := l.Paths.classify(image)
		v, why := l.Paths.exec(Use{policy.AccessExec, i < len(images)-1}, class, labels, l.held(s))
		v.Rule = l.rule(why, s, policy.Process, policy.AccessExec, v, class, labels, image.Path)
		verdicts[i] = v
	}
	return strictestFirst(verdicts)
}

// strictestFirst returns the first of the strictest verdicts.
func strictestFirst(verdicts []policy.Verdict) policy.Verdict {
	return slices.MaxFunc(verdicts, func(a, b policy.Verdict) int { return int(a.Action) - int(b.Action) })
}

// classify returns the class of an object as paths are concerned, and the labels
// of a Named one.
func (t *PathTable) classify(o policy.Object) (policy.ObjectClass, automata.Labels) {
	switch {
	case o.Class != policy.Named:
		return o.Class, automata.Labels{}
	case !automata.IsCanonical(o.Path):
		return policy.Unresolved, automata.Labels{}
	}
	return policy.Named, t.Set.Match(o.Path)
}

// held says which conditions hold in a state.
func (l *Layer) held(s State) func(cond int) bool {
	return func(cond int) bool { return l.Lineage.Holds(cond, s) }
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

// rule names what an effect on an object comes from.
func (l *Layer) rule(why cause, s State, section policy.Section, access policy.Access, v policy.Verdict, class policy.ObjectClass, labels automata.Labels, path string) policy.RuleRef {
	switch why {
	case ofRule:
		return l.name(s, section, access, v, class, labels, path)
	case ofDefault:
		return l.Paths.of(section).Rule
	case ofUnresolved:
		return l.builtin(section, policy.BuiltinUnresolved)
	case ofLoader:
		return l.builtin(section, policy.BuiltinLoader)
	}
	return policy.RuleRef{}
}

// name finds the first rule that decided: user space does this from the path
// of a report, since the automaton keeps no rule numbers.
func (l *Layer) name(s State, section policy.Section, access policy.Access, v policy.Verdict, class policy.ObjectClass, labels automata.Labels, path string) policy.RuleRef {
	for _, r := range l.Paths.Rules {
		if r.Rule.Action == v.Action && !(v.Report && r.Rule.Quiet) && l.matches(r, s, section, access, class, labels, path) {
			return r.Ref()
		}
	}
	return policy.RuleRef{}
}

// matches says whether a rule is about one use of an object.
func (l *Layer) matches(r *PathRule, s State, section policy.Section, access policy.Access, class policy.ObjectClass, labels automata.Labels, path string) bool {
	if r.Rule.Section != section || r.Access&access == 0 || !l.Lineage.Holds(r.Cond, s) {
		return false
	}
	return class == policy.Anonymous && r.Anonymous || class == policy.Named && labels.Has(r.Group) && r.Matches(path)
}

// file decides about one access of a file.
func (l *Layer) file(s State, access policy.Access, o policy.Object) policy.Verdict {
	if l.Paths == nil {
		return policy.Verdict{}
	}
	class, labels := l.Paths.classify(o)
	v, why := l.Paths.effect(policy.File, access, class, labels, l.held(s))
	v.Rule = l.rule(why, s, policy.File, access, v, class, labels, o.Path)
	if access == policy.AccessMap {
		if mapped, why := l.Paths.mapping(class, labels); why != ofNothing {
			// The zero state meets no condition, so that only such rules are named.
			mapped.Rule = l.rule(why, State{}, policy.Process, policy.AccessExec, mapped, class, labels, o.Path)
			v = combine(v, mapped)
		}
	}
	return v
}
