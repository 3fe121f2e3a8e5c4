// SPDX-License-Identifier: Apache-2.0

package securitycontext

import (
	"slices"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// capset is core/v1 Capabilities. Neither list is merged, so a patch gives
// whole lists, also when one is empty: a key that is absent keeps the pod's own.
type capset struct {
	Add  []string `json:"add"`
	Drop []string `json:"drop"`
}

// capabilities returns the lists with which the container has what it would
// have without the policy, less what the policy blocks. Under a default of Block
// everything is dropped and what stays is added; otherwise the container's own
// lists only lose and gain what is blocked, so that nothing is added that it does
// not ask for itself.
func capabilities(u *ir.Unit, given []string) *capset {
	table := u.Enforced.Capabilities
	had := emit.Granted(u.Container, given)
	keep, blocked := []string{}, []string{}
	for _, name := range linux.CapabilityNames() {
		switch {
		case table.BlocksEverybody(ir.CapabilityBit(name)):
			blocked = append(blocked, name)
		case slices.Contains(had, name):
			keep = append(keep, name)
		}
	}
	if len(blocked) == 0 {
		return nil
	}
	if table.Default.Action == policy.Block {
		slices.Sort(keep)
		return &capset{Add: keep, Drop: []string{"ALL"}}
	}
	isBlocked := func(name string) bool { return slices.Contains(blocked, name) }
	add := slices.DeleteFunc(slices.Clone(u.Container.AddCapabilities), isBlocked)
	drop := slices.Concat(u.Container.DropCapabilities, blocked)
	slices.Sort(add)
	slices.Sort(drop)
	return &capset{Add: append([]string{}, slices.Compact(add)...), Drop: slices.Compact(drop)}
}

const (
	silent  = "a capability that is missing is denied without a report"
	alone   = "no workload was given that the policy selects, so there is nothing to patch"
	special = "a privileged container has all capabilities whatever its lists say"
	added   = "an ephemeral container is added to a running pod, where no patch reaches it"
	lineage = "the condition on the lineage cannot be expressed: a container has one set"
)

// lowerings says how each rule and default about capabilities is held.
func lowerings(u *ir.Unit) []emit.Lowering {
	var out []emit.Lowering
	for _, p := range u.Policies {
		if p.Capabilities == nil {
			continue
		}
		answer := func(rule string, action policy.Action, from bool) emit.Lowering {
			l := emit.Lowering{Scope: u.Name, Policy: p, Rule: rule, Action: action, Target: name, Reports: emit.None, ReportsReason: silent}
			switch {
			case p.Mode == policy.AuditMode:
				l.Status, l.Reason = emit.None, "the policy is in mode Audit, and nothing could report"
			case u.Workload == nil:
				l.Status, l.Reason = emit.None, alone
			case u.Container.Privileged:
				l.Status, l.Reason = emit.None, special
			case u.Container.Kind == policy.EphemeralContainer:
				l.Status, l.Reason = emit.None, added
			case from && action == policy.Block:
				l.Status, l.Reason = emit.None, lineage
			case from:
				l.Status, l.Reason = emit.Looser, lineage
			}
			if action == policy.Allow {
				l.Reports, l.ReportsReason = emit.Exact, ""
			}
			return l
		}
		d := answer(policy.Capabilities.String()+"/"+policy.BuiltinDefault, p.Capabilities.Default, false)
		d.Span = p.Capabilities.DefaultSpan
		for i := range p.Capabilities.Rules {
			r := &p.Capabilities.Rules[i].Rule
			l := answer(r.ID(), r.Action, r.From != nil)
			l.Span = r.Span
			out = append(out, l)
			if l.Status == emit.Looser && d.Status == emit.Exact && d.Action == policy.Block {
				d.Status, d.Reason = emit.Looser, "as loose as the Allow beside it"
			}
			if l.Status == emit.Looser {
				d.Causes = append(d.Causes, r.ID())
			}
		}
		out = append(out, d)
	}
	return out
}
