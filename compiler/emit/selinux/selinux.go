// SPDX-License-Identifier: Apache-2.0

// Package selinux lowers to modules of SELinux in CIL, one for each container:
// a block that inherits the block `container` of the node's policy, and so
// defines a type that may do what containers may do there, less what the policy
// blocks.
//
// Allowances of SELinux add up, and a container's block grants a lot, some of it
// by booleans. What it grants can be taken away by `deny` alone, which the
// toolchain has from version 3.6 on. Without it a module says which capabilities
// the container needs, and every Block is answered with none.
//
// A container has one type: no lineage, no paths within images, no peers. No type
// is ever permissive, since that would drop the floor.
package selinux

import (
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

const name = "selinux"

// Target is the back-end `selinux`.
var Target = emit.Target{
	Name:     name,
	Summary:  "CIL modules with a type for each container, for seLinuxOptions.type",
	Sections: []policy.Section{policy.Network, policy.Capabilities, policy.System},
	Takes:    takes,
	Default:  func(*platform.Pool) bool { return true },
	Emit:     run,
}

func takes(pool *platform.Pool) error {
	if !pool.HasLSM(name) {
		return fmt.Errorf("selinux is not among its security modules (lsm)")
	}
	_, err := given(pool)
	return err
}

// given returns the capabilities that the pool's runtime gives by itself.
func given(pool *platform.Pool) ([]string, error) {
	return floor.Capabilities(pool.Runtime.Name, pool.Runtime.Version.String())
}

func run(in emit.Input) emit.Output {
	given, err := given(in.Pool)
	if err != nil {
		panic(err) // Takes has refused such a pool
	}
	var out emit.Output
	for _, u := range in.Program.Units {
		a := answerer{unit: u, pool: in.Pool}
		a.patched = slices.Contains(in.Pool.Targets, "securitycontext") && u.Container != nil && u.Container.Kind != policy.EphemeralContainer
		out.Lowerings = append(out.Lowerings, a.lowerings()...)
		if block, ok := emit.SELinuxBlock(u, in.Pool); ok {
			rules, table, err := ruletable.File(u, emit.SELinuxType(block))
			if err != nil {
				out.Findings = append(out.Findings, emit.TooMuch(u, err.Error(), emit.FewerRules))
				continue
			}
			out.Files = append(out.Files,
				emit.File{Kind: emit.NodeFile, Name: block + ".cil", Data: moduleOf(u, in.Pool, block, given).text(), Comment: ";", Sources: u.Policies},
				emit.File{Kind: emit.NodeFile, Name: rules, Data: table, Sources: u.Policies})
		}
	}
	return out
}
