// SPDX-License-Identifier: Apache-2.0

// Package seccomp lowers to seccomp profiles in the JSON of the OCI runtime
// specification, which Kubernetes calls Localhost profiles.
//
// A profile contains the runtime's default profile as its floor, unless the
// policy says `base: None`: what the floor refuses stays refused. Rules become
// disjoint cases on arguments, since runc and crun read two conditions on one
// argument as alternatives, and a rule without conditions would replace those
// with conditions.
//
// A filter sees numbers: no paths, no lineage, and not whose process is meant.
package seccomp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

const name = "seccomp"

// Target is the back-end `seccomp`.
var Target = emit.Target{
	Name:     name,
	Summary:  "OCI seccomp profiles for securityContext.seccompProfile",
	Sections: []policy.Section{policy.Syscalls, policy.System},
	Takes:    takes,
	Default:  func(*platform.Pool) bool { return true },
	Emit:     run,
}

// takes needs to know the runtime's default profile.
func takes(pool *platform.Pool) error {
	given, err := floor.Capabilities(pool.Runtime.Name, pool.Runtime.Version.String())
	if err != nil {
		return err
	}
	_, err = baseOf(pool, given)
	return err
}

func run(in emit.Input) emit.Output {
	given, err := floor.Capabilities(in.Pool.Runtime.Name, in.Pool.Runtime.Version.String())
	if err != nil {
		panic(err) // Takes has refused such a pool
	}
	bases := map[string]*base{} // by capabilities
	var out emit.Output
	for _, u := range in.Program.Units {
		file, ok := emit.SeccompProfile(u)
		if !ok {
			continue
		}
		capabilities := emit.Granted(u.Container, given)
		key := strings.Join(capabilities, " ")
		if bases[key] == nil {
			if bases[key], err = baseOf(in.Pool, capabilities); err != nil {
				out.Findings = append(out.Findings, diag.Diagnostic{Code: diag.PoolMismatch, Severity: diag.Error, Span: u.Policies[0].Span, Message: err.Error()})
				continue
			}
		}
		b := newBuilder(u, in.Pool, bases[key])
		data := encode(b.profile())
		for _, c := range b.complex {
			out.Findings = append(out.Findings, tooComplex(u, c))
		}
		out.Lowerings = append(out.Lowerings, b.lowerings(slices.Contains(in.Pool.Targets, "securitycontext"))...)
		if u.Container != nil && u.Container.Privileged || emit.OwnSeccompProfile(u) {
			continue // nothing attaches it
		}
		out.Files = append(out.Files, emit.File{Kind: emit.NodeFile, Name: file, Data: data, Sources: u.Policies})
	}
	return out
}

func tooComplex(u *ir.Unit, call string) diag.Diagnostic {
	d := diag.Diagnostic{
		Code: diag.StateBudget, Severity: diag.Error, Span: u.Policies[0].Span,
		Message: fmt.Sprintf("a filter cannot hold all conditions on the arguments of %s at once", call),
		Hint:    "use fewer conditions: those on different arguments multiply, and numbers of 64 bits only stand alone, since 32-bit programs have none",
	}
	for _, l := range append([]*ir.Layer{u.Enforced}, u.Audits...) {
		if l.Syscalls == nil || l.Syscalls.Calls[call] == nil {
			continue
		}
		for _, c := range l.Syscalls.Calls[call].Cases {
			d.Span = c.Rule.Span
			d.Notes = append(d.Notes, diag.Related{Span: c.Rule.Span, Message: "a rule about it"})
		}
	}
	return d
}
