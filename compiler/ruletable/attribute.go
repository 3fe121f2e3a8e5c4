// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"net/netip"

	"github.com/avert-dev/avert/compiler/policy"
)

// Operation is what a kernel reported.
type Operation struct {
	// Denied says that the kernel refused it; otherwise it let it pass and
	// reported it.
	Denied  bool
	Section policy.Section
	Lineage Lineage

	// Access is what was refused of a file: one way or several.
	Access policy.Access
	// Object is the image of an exec or the file, unless the kernel did not say
	// which: NoObject.
	Object   policy.Object
	NoObject bool
	// Carried says that giving Object the name Target was refused because that would
	// carry something out of a rule's reach. Access does not count then.
	Carried bool
	Target  policy.Object

	Flow       Flow
	Syscall    string
	Capability string // without CAP_
	System     policy.SystemOperation
}

// Flow is what a kernel says of a socket or connection. Zero values are unknown.
type Flow struct {
	Direction policy.Direction
	Family    string // "inet", "packet", ...
	Type      string // "stream", "raw", ...
	Protocol  string // TCP, UDP, SCTP
	Port      uint16
	Peer      netip.Addr
}

// Match is the rule that is reported.
type Match struct {
	Policy *Policy
	// Rule is "section/name", "section/default", or "section/" and a built-in
	// decision of package policy.
	Rule   string
	Line   int
	Action policy.Action
	// Quiet says that the rule's author wants no report.
	Quiet bool
	// Certain says that the rule surely matches, and that nothing else in the
	// table explains the report.
	Certain bool
}

// Attribute finds the rule of the policies in mode Enforce that explains what
// the kernel reported. It finds none when the kernel refused more than the
// policies do: the floor, or what a back-end cannot tell apart.
//
// Of rules with the same action the first in file and document order is
// reported, quiet ones last. Where the lineage or the object is not known in
// full, a rule that surely matches is preferred, then one that may, then the
// default.
func (t *Table) Attribute(op Operation) (Match, bool) {
	var ps []*Policy
	for _, p := range t.Policies {
		if p.Mode == policy.Enforce.String() {
			ps = append(ps, p)
		}
	}
	action := policy.Audit
	if op.Denied {
		action = policy.Block
	}
	return t.explain(ps, op, action).best()
}

// Would finds what policies in mode Audit report about the operation, each as
// if it were enforced alone. A Match with Block is one that would block.
func (t *Table) Would(op Operation) []Match {
	var out []Match
	for _, p := range t.Policies {
		if p.Mode == policy.Enforce.String() {
			continue
		}
		for _, action := range []policy.Action{policy.Block, policy.Audit} {
			if m, ok := t.explain([]*Policy{p}, op, action).best(); ok {
				out = append(out, m)
				break
			}
		}
	}
	return out
}
