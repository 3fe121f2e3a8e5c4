// SPDX-License-Identifier: Apache-2.0

package reference

import "github.com/avert-dev/avert/compiler/policy"

// Policies are all policies that govern one container, in file and document
// order. The caller has applied Policy.Containers, which does not narrow
// network rules.
type Policies []*policy.Policy

// Base says whether the container runtime's default profile allows a system
// call. A nil Base allows none.
type Base func(call policy.SyscallCall) bool

// Result is what policies decide about one operation.
type Result struct {
	// Verdict is that of the enforced policies together.
	Verdict policy.Verdict
	// Would has one verdict for each policy in mode Audit, in order: what it
	// would decide alone if it were enforced.
	Would []policy.Verdict
	// Undecided says that moving a directory needed more than SearchBudget
	// steps, so a verdict here may lack its BuiltinCarry.
	Undecided bool
}

// Decide applies the policies to the operation.
//
// Rule: policies in mode Audit take no part in the verdict; each is decided by
// itself, as if enforced, and only reported.
func Decide(ps Policies, op policy.Operation, base Base) Result {
	var enforced Policies
	for _, p := range ps {
		if p.Mode == policy.Enforce {
			enforced = append(enforced, p)
		}
	}
	verdict, decided := decideEnforced(enforced, op, base)
	result := Result{Verdict: verdict, Undecided: !decided}
	for _, p := range ps {
		if p.Mode == policy.AuditMode {
			would, decided := decideEnforced(Policies{p}, op, base)
			result.Would = append(result.Would, would)
			result.Undecided = result.Undecided || !decided
		}
	}
	return result
}

// decideEnforced decides by the effective policy that ps form together. It is
// not decided when a search gave up.
func decideEnforced(ps Policies, op policy.Operation, base Base) (v policy.Verdict, decided bool) {
	switch op.Kind {
	case policy.OpExec:
		return pathSectionsOf(ps, op.Lineage).exec(op.Images), true
	case policy.OpFile:
		return pathSectionsOf(ps, op.Lineage).use(op.Access, objectOf(op.Object)), true
	case policy.OpRename, policy.OpLink:
		return pathSectionsOf(ps, op.Lineage).move(op)
	case policy.OpNetwork:
		return decideNetwork(ps, op.Lineage, op.Flow), true
	case policy.OpSyscall:
		return decideSyscall(ps, op.Lineage, op.Syscall, base), true
	case policy.OpCapability:
		return decideCapability(ps, op.Lineage, op.Capability), true
	case policy.OpSystem:
		return decideSystem(ps, op.Lineage, op.System), true
	}
	return policy.Verdict{}, true
}
