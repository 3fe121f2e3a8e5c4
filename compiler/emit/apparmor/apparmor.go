// SPDX-License-Identifier: Apache-2.0

// Package apparmor lowers to AppArmor profiles: per container one that the
// runtime starts it in and, where rules have conditions on the lineage, one child
// for each domain that an exec leads to.
//
// A profile contains what the runtimes' default profiles deny as its floor, also
// in mode Audit. What a profile allows beyond the policy stands in the lowerings,
// and so does the little that it refuses beside a rule. Peers and ports are not its
// business.
package apparmor

import (
	"errors"
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

const name = "apparmor"

// Target is the back-end `apparmor`.
var Target = emit.Target{
	Name:     name,
	Summary:  "AppArmor profiles for securityContext.appArmorProfile",
	Sections: []policy.Section{policy.Process, policy.File, policy.Network, policy.Capabilities, policy.System},
	Takes:    takes,
	Default:  func(*platform.Pool) bool { return true },
	Emit:     run,
}

var oldest = linux.KernelVersion{Major: 4, Minor: 17}

// takes: AppArmor follows no_new_privs into stacked profiles from 4.17 on
// (security/apparmor/domain.c, aa_label_is_unconfined_subset).
func takes(pool *platform.Pool) error {
	switch {
	case !pool.HasLSM("apparmor"):
		return errors.New("AppArmor is not among the pool's security modules")
	case !pool.Kernel.AtLeast(oldest):
		return fmt.Errorf("needs kernel %s, the pool has %s", oldest, pool.Kernel)
	}
	return nil
}

func run(in emit.Input) emit.Output {
	var out emit.Output
	for _, u := range in.Program.Units {
		if _, ok := emit.AppArmorProfile(u); !ok {
			continue
		}
		b := newBuilder(u)
		data := b.encode()
		for _, g := range b.tooLong {
			out.Findings = append(out.Findings, emit.TooMuch(u, fmt.Sprintf("the pattern %s is too long for an AppArmor profile", g), "use fewer alternatives in braces, or several patterns"))
		}
		attached := slices.Contains(in.Pool.Targets, "securitycontext")
		out.Lowerings = append(out.Lowerings, b.lowerings(attached)...)
		if u.Container != nil && u.Container.Privileged || emit.OwnAppArmorProfile(u) {
			continue // nothing attaches it
		}
		rules, table, err := ruletable.File(u, b.name, b.known()...)
		if err != nil {
			out.Findings = append(out.Findings, emit.TooMuch(u, err.Error(), emit.FewerRules))
			continue
		}
		out.Files = append(out.Files,
			emit.File{Kind: emit.NodeFile, Name: b.name, Data: data, Comment: "#", Sources: u.Policies},
			emit.File{Kind: emit.NodeFile, Name: rules, Data: table, Sources: u.Policies})
	}
	return out
}

// newBuilder plans the profiles of a unit.
func newBuilder(u *ir.Unit) *builder {
	name, _ := emit.AppArmorProfile(u)
	b := &builder{unit: u, name: name, layer: u.Enforced, written: map[spelling][]string{}}
	if !emit.AppArmorHolds(u.Enforced) {
		b.layer, b.audits = u.Audits[0], true
		b.complain = u.Container != nil && u.Container.AllowPrivilegeEscalation != nil && !*u.Container.AllowPrivilegeEscalation
		b.domains = planDomains(b.layer, nil, false)
		return b
	}
	// no_new_privs keeps the first profile in force; where nothing says that it is
	// not set, it is. Where files are blocked by default the first profile also
	// says who may read a program that changed domain.
	nnp := u.Container == nil || u.Container.AllowPrivilegeEscalation == nil || !*u.Container.AllowPrivilegeEscalation
	b.stacked = nnp || b.blocksFiles()
	b.domains = planDomains(b.layer, conditions(b.layer), b.stacked)
	return b
}

// conditions lists those on the lineage that profiles must tell apart, ascending.
func conditions(l *ir.Layer) []int {
	var out []int
	if l.Paths != nil {
		for _, r := range l.Paths.Rules {
			if len(r.Globs) > 0 {
				out = append(out, r.Cond)
			}
		}
	}
	for _, t := range []*ir.MaskTable{l.Capabilities, l.System} {
		if t != nil {
			for _, g := range t.Groups {
				out = append(out, g.Cond)
			}
		}
	}
	if l.Network != nil {
		for i := range l.Network.Rules {
			if r := &l.Network.Rules[i]; r.BySocket() {
				out = append(out, r.Cond)
			}
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(c int) bool { return c == ir.Always })
}
