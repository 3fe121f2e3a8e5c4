// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// Plan is what applies to the pods of one enforced policy.
type Plan struct {
	*ir.PodNetwork
	// Subject is what the plugin sees of the policy's selector. Blind says that
	// this is not all of it: no object can then select the policy's pods.
	Subject policy.Selector
	Blind   bool
	Sides   [2]Side // ingress, egress
}

// Side is one direction of a Plan.
type Side struct {
	Direction policy.Direction
	// Isolates: the default is Block, so the policy's object isolates its pods.
	Isolates bool
	// Isolated: some policy isolates every pod that this one selects.
	Isolated bool
	// Own are the Block rules of the policy.
	Own []*Rule
	// Emitted are the Allow and Audit rules that the policy's objects carry: its
	// own, and those of others that isolate nothing, for the pods of both.
	Emitted []*Rule
	// Allows and Blocks are all rules that may apply to a pod of the policy. Rules
	// are shared by plans: see Plan.Boxes.
	Allows, Blocks []*Rule

	allows []*Rule // the policy's own
}

// Directions lists both.
var Directions = [2]policy.Direction{policy.Ingress, policy.Egress}

// Plans returns the plan of each policy of the program, in order.
func (d Dialect) Plans(program *ir.Program) []*Plan {
	made := map[*policy.Policy]*Plan{}
	plan := func(p *policy.Policy) *Plan {
		if made[p] == nil {
			made[p] = d.alone(p)
		}
		return made[p]
	}
	var out []*Plan
	for _, pod := range program.Pods {
		p := plan(pod.Policy)
		p.PodNetwork = pod
		out = append(out, p)
	}
	for _, p := range out {
		p.add(p)
		for _, o := range p.Others {
			p.add(plan(o))
		}
	}
	return out
}

// alone is the plan of a policy without others.
func (d Dialect) alone(p *policy.Policy) *Plan {
	out := &Plan{}
	seen, all := visible(p.Selector, d.seesPod)
	out.Subject, out.Blind = seen, !all
	for i, dir := range Directions {
		s := &out.Sides[i]
		s.Direction = dir
		s.Isolates = p.Network.Default(dir) == policy.Block && all
		for k := range p.Network.Rules {
			r := &p.Network.Rules[k]
			if !r.Direction.Includes(dir) {
				continue
			}
			rule := d.rule(p, seen, r, dir)
			if !all {
				rule.miss(noLabel)
			}
			if r.Action == policy.Block {
				s.Own = append(s.Own, rule)
			} else {
				s.allows = append(s.allows, rule)
			}
		}
	}
	return out
}

// add adds what a policy, which may be p itself, says of the pods of p.
func (p *Plan) add(o *Plan) {
	for i := range p.Sides {
		s, t := &p.Sides[i], &o.Sides[i]
		s.Isolated = s.Isolated || t.Isolates && Within(p.Subject, o.Subject)
		s.Blocks = append(s.Blocks, t.Own...)
		s.Allows = append(s.Allows, t.allows...)
		if s.Isolates && (o == p || !t.Isolates) {
			s.Emitted = append(s.Emitted, t.allows...)
		}
	}
}

// Boxes returns those of a rule, for those pods alone that the policy selects.
func (p *Plan) Boxes(r *Rule) []Box {
	if r.Policy == p.Policy {
		return r.Boxes
	}
	var out []Box
	for _, b := range r.Boxes {
		b.Subject = b.Subject.And(p.Subject)
		out = append(out, b)
	}
	return out
}

// Sources are the policies that the objects of the plan come from.
func (p *Plan) Sources() []*policy.Policy {
	out := []*policy.Policy{p.Policy}
	if p.Sides[0].Isolates || p.Sides[1].Isolates {
		out = append(out, p.Others...)
	}
	return out
}
