// SPDX-License-Identifier: Apache-2.0

package reference

import "github.com/avert-dev/avert/compiler/policy"

// move decides a rename or link. It is not decided when the search below a
// directory gave up; the verdict then lacks that check.
//
// Rule: both names of an exchange move, and neither is deleted.
func (s *pathSections) move(op policy.Operation) (v policy.Verdict, decided bool) {
	if op.Kind == policy.OpLink {
		return s.give(policy.AccessLink, op.Object, op.Target, false, op.Directory)
	}
	if !op.Exchange {
		return s.give(policy.AccessRename, op.Object, op.Target, op.TargetExists, op.Directory)
	}
	there, decidedThere := s.give(policy.AccessRename, op.Object, op.Target, false, op.Directory)
	back, decidedBack := s.give(policy.AccessRename, op.Target, op.Object, false, op.Directory)
	return combine(there, back), decidedThere && decidedBack
}

// give decides giving the object at source the name target.
//
// Rule: rename and link of S to T need rename or link on S, create on T and
// delete on an existing T, and carry nothing out of a rule's reach.
func (s *pathSections) give(access policy.Access, source, target policy.Object, replaces, directory bool) (v policy.Verdict, decided bool) {
	from, to := objectOf(source), objectOf(target)
	v = combine(s.use(access, from), s.use(policy.AccessCreate, to))
	if replaces {
		v = combine(v, s.use(policy.AccessDelete, to))
	}
	if from.class != policy.Named || to.class != policy.Named {
		return v, true
	}
	v = combine(v, s.carryOut(from, to))
	if !directory || v.Action == policy.Block && v.Report {
		return v, true // nothing below can change it
	}
	suffix, found, decided := s.findCarryOut(source.Path, target.Path)
	if found {
		below := func(o policy.Object) object { return objectOf(policy.Object{Path: o.Path + suffix}) }
		v = combine(v, s.carryOut(below(source), below(target)))
	}
	return v, decided
}

// carryOut blocks when any access is blocked at one name and not at the other.
// It names the policy that blocks the first such access, and allows otherwise.
//
// Rule: nothing may be carried out of a rule's reach.
func (s *pathSections) carryOut(from, to object) policy.Verdict {
	for _, a := range policy.AccessNames {
		there := s.single(a.Access, from)
		if there.Action == policy.Block && s.single(a.Access, to).Action != policy.Block {
			there.Rule.Rule = policy.File.String() + "/" + policy.BuiltinCarry
			there.Report = true
			return there
		}
	}
	return policy.Verdict{}
}
