// SPDX-License-Identifier: Apache-2.0

package compiler

import (
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/diff"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// Compare compares two revisions, which were understood without errors. Where
// one of them came without workloads, those of the other are passed over, so
// that like is compared with like.
func Compare(old, new *Result) ([]diff.Scope, error) {
	sides := [2]diff.Side{}
	alone := len(old.Set.Workloads) == 0 || len(new.Set.Workloads) == 0
	for i, r := range []*Result{old, new} {
		sides[i] = diff.Side{Set: r.Set, Program: r.Program, Alone: lowerAlone, Floors: floors{pools: r.platforms()}.of}
		if alone && len(r.Set.Workloads) > 0 {
			sides[i].Set = &policy.Set{Policies: r.Set.Policies}
			sides[i].Program = lower.Program(sides[i].Set, &diag.List{}) // its policies were lowered before
		}
	}
	return diff.Sides(sides[0], sides[1])
}

func lowerAlone(p *policy.Policy) *ir.Unit {
	return lower.Program(&policy.Set{Policies: []*policy.Policy{p}}, &diag.List{}).Units[0] // it was lowered before
}

func (r *Result) platforms() []*platform.Pool {
	var out []*platform.Pool
	for _, p := range r.Pools {
		out = append(out, p.Pool)
	}
	return out
}

// Base returns what the default profile of the container runtime allows to a
// unit's container, on the first pool that has the architecture of a call.
func (r *Result) Base(u *ir.Unit) ir.Base {
	floors := floors{pools: r.platforms()}.of(u)
	return func(call policy.SyscallCall) bool {
		for _, f := range floors {
			if string(f.Arch) == call.Arch {
				return f.Allows(call)
			}
		}
		return false
	}
}

// floors knows the default profiles of the runtimes of pools.
type floors struct{ pools []*platform.Pool }

// of returns those that the unit's container runs under, each once. A runtime
// whose profile is not known has none, which the back-ends report.
func (f floors) of(u *ir.Unit) []diff.Floor {
	var out []diff.Floor
	seen := map[string]bool{}
	for _, pool := range f.pools {
		given, err := floor.Capabilities(pool.Runtime.Name, pool.Runtime.Version.String())
		if err != nil {
			continue
		}
		capabilities := emit.Granted(u.Container, given)
		for _, arch := range pool.Architectures {
			p, err := floor.Seccomp(floor.Query{Runtime: pool.Runtime.Name, Version: pool.Runtime.Version.String(), Arch: arch, Kernel: pool.Kernel, Capabilities: capabilities})
			key := fmt.Sprint(arch, p.Source, pool.Kernel)
			if err == nil && !seen[key] {
				seen[key] = true
				out = append(out, diff.Floor{Arch: arch, Profile: &p.Seccomp})
			}
		}
	}
	return out
}

// CompareUnits compares what is enforced of two units, whatever they are called
// and select. The floor is that of the new one, of r.
func CompareUnits(r *Result, old, new *ir.Unit) ([]diff.Change, error) {
	return diff.Layers(old.Enforced, new.Enforced, floors{pools: r.platforms()}.of(new))
}

// Missing returns what the unit v lets pass and r's unit u blocks: nothing when
// u subsumes v. What is only reported otherwise is left out.
func Missing(r *Result, u, v *ir.Unit) ([]diff.Change, error) {
	changes, err := CompareUnits(r, v, u)
	return slices.DeleteFunc(changes, func(ch diff.Change) bool { return ch.Kind != diff.Blocked }), err
}
