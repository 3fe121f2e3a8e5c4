// SPDX-License-Identifier: Apache-2.0

package apparmor

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// pathRule finds a rule of process or file in the unit's layers.
func (b *builder) pathRule(p *policy.Policy, r *policy.Rule) *ir.PathRule {
	for _, l := range append([]*ir.Layer{b.unit.Enforced}, b.unit.Audits...) {
		if l.Paths == nil || !slices.Contains(l.Policies, p) {
			continue
		}
		for _, pr := range l.Paths.Rules {
			if pr.Rule == r {
				return pr
			}
		}
	}
	panic("apparmor: a rule is in no layer") // lower puts each in one
}

// path answers for a rule of process or file. It returns false when that is all.
func (b *builder) path(l *emit.Lowering, g *gaps, r *ir.PathRule) bool {
	blocks := r.Rule.Action == policy.Block
	if blocks && len(r.Globs) == 0 {
		l.Status, l.Reason = emit.None, ReasonAnonymous
		return false
	}
	if r.Rule.Section == policy.Process {
		g.when(blocks, ReasonInterpreter)
		g.when(blocks && b.movable(), ReasonCarry)
		g.when(blocks && r.Anonymous, ReasonAnonymous)
		g.when(blocks && b.allowsLoader(), ReasonLoader)
		return true
	}
	if !blocks {
		if b.blocksFiles() {
			g.when(r.Cond != ir.Always && strings.ContainsAny(granted(r.Access), "rm"), ReasonImage)
			more := granted(r.Access)
			g.when(strings.Contains(more, "w") && r.Access&bundle != bundle || strings.Contains(more, "r") && r.Access&policy.AccessRead == 0, ReasonBundle)
		}
		return true
	}
	if r.Access&policy.AccessRead != 0 && r.Access&policy.AccessRename == 0 {
		l.Refuses = append(l.Refuses, RefusesRename)
	}
	if r.Access&(policy.AccessRead|policy.AccessMap) != 0 && len(b.domains.all) > 1 && (!b.stacked || r.Cond != ir.Always) {
		l.Refuses = append(l.Refuses, RefusesImage)
	}
	left := inexpressible(r.Access)
	if denied(r.Access) == "" && r.Access&policy.AccessLink == 0 {
		l.Status, l.Reason = emit.None, ReasonBundle+": block them together"
		if r.Access&^unmediated == 0 {
			l.Reason = ReasonUnmediated
		}
		return false
	}
	g.when(left&^unmediated != 0, ReasonBundle)
	g.when(left&unmediated != 0, ReasonUnmediated)
	g.when(r.Anonymous, ReasonAnonymous)
	g.when(b.movable(), ReasonCarry)
	return true
}

// allowsLoader says whether dynamic loaders can be started although the policy
// blocks something of process.
func (b *builder) allowsLoader() bool {
	t := b.layer.Paths
	return t != nil && t.Process != nil && t.BlocksAnything(policy.Process) && !b.deniesLoader(b.domains.all[0].known)
}

// movable says whether anything can be renamed: that needs `rw` at the old name.
func (b *builder) movable() bool {
	return !b.blocksFiles() || slices.ContainsFunc(b.layer.Paths.Rules, func(r *ir.PathRule) bool {
		return r.Rule.Section == policy.File && r.Rule.Action != policy.Block && strings.Contains(granted(r.Access), "w")
	})
}

// aboutFamilies says whether a rule about connections names other families than
// INET: what is about INET alone is left to the back-ends that know peers.
func aboutFamilies(r *policy.NetworkRule) bool {
	return slices.ContainsFunc(r.Families, func(f string) bool { return !inet(f) })
}

// network answers for a rule about families of sockets.
func (b *builder) network(l *emit.Lowering, g *gaps, n *policy.NetworkRule) {
	bare := len(n.Peers) == 0 && len(n.Ports) == 0 && len(n.HTTP) == 0 && n.Direction == policy.BothDirections
	switch {
	case n.Action == policy.Allow:
	case !bare:
		l.Status, l.Reason = emit.None, reasonPeers
	default:
		known := func(names, all []string) bool {
			return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(all, n) })
		}
		g.when(slices.ContainsFunc(n.Families, inet), reasonPeers)
		g.when(!known(n.Families, families) || !known(n.Types, types), reasonUnknown)
	}
}

// operations answers for a rule of `system`.
func (b *builder) operations(l *emit.Lowering, g *gaps, r *policy.SystemRule) {
	if r.Action == policy.Allow {
		return
	}
	asked := r.Operations
	if l.Parts = b.held(asked); len(l.Parts) == 0 && !slices.Contains(asked, policy.Mount) {
		l.Status, l.Reason = emit.None, reasonSystem
		return
	}
	if len(l.Parts) > 0 {
		l.Reason = reasonShared
	}
	g.when(slices.Contains(asked, policy.Mount), reasonMountFD)
	g.when(b.severalDomains() && (slices.Contains(asked, policy.Ptrace) || slices.Contains(asked, policy.Signal)), reasonTasks)
	g.when(slices.ContainsFunc(asked, func(o policy.SystemOperation) bool { return !slices.Contains(mediated, o) }), reasonSystem)
}

// mediated are the operations of `system` that AppArmor asks about.
var mediated = []policy.SystemOperation{policy.Mount, policy.Ptrace, policy.Signal}

// held lists those of the operations that are held exactly.
func (b *builder) held(operations []policy.SystemOperation) []string {
	var out []string
	for _, o := range operations {
		if (o == policy.Ptrace || o == policy.Signal) && !b.severalDomains() {
			out = append(out, o.String())
		}
	}
	return out
}

// severalDomains says whether the layer tells lineages apart: then processes of
// one container may be in different domains.
func (b *builder) severalDomains() bool { return len(b.layer.Lineage.Conds) > 0 }
