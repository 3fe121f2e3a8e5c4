// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"github.com/avert-dev/avert/compiler/policy"
)

// Program is everything that is compiled in one run. It does not depend on a
// node pool.
type Program struct {
	// Units are sorted by name.
	Units []*Unit
	// Pods are sorted by name.
	Pods      []*PodNetwork
	Workloads []*policy.Workload
}

// Unit is the effective policy of one container.
type Unit struct {
	// Name is unique and names the unit's artifacts: namespace and policies,
	// and, when workloads were given, the workload and container.
	Name      string
	Namespace string
	// Policies are all that govern the container, in order.
	Policies []*policy.Policy
	// Workload and Container are nil for a policy that stands alone.
	Workload  *policy.Workload
	Container *policy.Container
	// Enforced decides. It is never nil, but may govern nothing.
	Enforced *Layer
	// Audits only report, each alone, in the order of the policies.
	Audits []*Layer
}

// PodNetwork is the network section of one enforced policy, for back-ends that
// act on pods. Such back-ends add the allowances of all objects that select a
// pod, so each also sees the others that may select the same pod.
type PodNetwork struct {
	// Name is unique and names the policy's objects.
	Name   string
	Policy *policy.Policy
	// Others are the other enforced policies of the namespace with a network
	// section whose selectors are not provably disjoint, in order.
	Others []*policy.Policy
	// Workloads are those given that the policy selects.
	Workloads []*policy.Workload
}

// Layer is one effective policy. A nil table means that the section is not
// governed.
type Layer struct {
	// Policies take part in the layer, in file and document order.
	Policies []*policy.Policy
	Lineage  Lineage

	Paths        *PathTable
	Network      *NetworkTable
	Syscalls     *SyscallTable
	Capabilities *MaskTable
	System       *MaskTable
}

// Default is the strictest default of the policies that have a section.
type Default struct {
	Action policy.Action
	// Rule refers to the first policy with that default.
	Rule policy.RuleRef
}

// Source is a rule and the policy that has it.
type Source struct {
	Policy *policy.Policy
	Rule   *policy.Rule
}

// Ref returns what a verdict names.
func (s Source) Ref() policy.RuleRef {
	return policy.RuleRef{Policy: s.Policy.ID(), Rule: s.Rule.ID(), Span: s.Rule.Span}
}
