// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

// decideCapability decides using a capability: by the rules that list it, else
// by the default.
func decideCapability(ps Policies, lineage []string, capability string) policy.Verdict {
	var defaults []stated
	var matching []match
	for _, p := range ps {
		if p.Capabilities == nil {
			continue
		}
		defaults = append(defaults, stated{p, p.Capabilities.Default, p.Capabilities.DefaultSpan})
		for i := range p.Capabilities.Rules {
			r := &p.Capabilities.Rules[i]
			if comesFrom(r.From, lineage) && contains(r.Names, capability) {
				matching = append(matching, match{policy: p, rule: &r.Rule})
			}
		}
	}
	return weigh(matching, strictest(policy.Capabilities, defaults))
}

// decideSystem decides an operation of system.
//
// Rule: system needs no default. Where process or file blocks anything, every
// operation but io_uring is blocked unless a rule allows it; elsewhere it is
// allowed.
func decideSystem(ps Policies, lineage []string, operation policy.SystemOperation) policy.Verdict {
	var otherwise policy.Verdict
	var matching []match
	for _, p := range ps {
		blocks := blocksAnything(p.Process) || blocksAnything(p.File)
		if blocks && operation != policy.IOUring && otherwise.Action != policy.Block {
			otherwise = builtin(p, policy.System, policy.BuiltinDefault, policy.Block, diag.Span{})
		}
		if p.System == nil {
			continue
		}
		for i := range p.System.Rules {
			r := &p.System.Rules[i]
			if comesFrom(r.From, lineage) && slices.Contains(r.Operations, operation) {
				matching = append(matching, match{policy: p, rule: &r.Rule})
			}
		}
	}
	return weigh(matching, otherwise)
}
