// SPDX-License-Identifier: Apache-2.0

// Package cilium is the back-end that writes CiliumNetworkPolicy objects of
// cilium.io/v2, from the types of Cilium's own policy engine.
//
// Beside isolation and allowances Cilium has rules that deny, which win over
// every allowance, domain names, and HTTP rules that Envoy judges. What Envoy or
// the DNS proxy gets must speak HTTP or DNS, so an HTTP rule never shares a peer
// and a port with an L4 allowance: what the latter has is carved out of it.
package cilium

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/flows"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// Target is the back-end `cilium`.
var Target = emit.Target{
	Name:     "cilium",
	Summary:  "CiliumNetworkPolicy objects",
	Sections: []policy.Section{policy.Network},
	Takes: func(p *platform.Pool) error {
		if p.CNI.Name != "cilium" {
			return fmt.Errorf("its network plugin is %s, not cilium", p.CNI.Name)
		}
		return nil
	},
	Default: func(*platform.Pool) bool { return true },
	Emit:    run,
}

const rests = "rests on: the node of a pod may always connect to it"

func run(in emit.Input) emit.Output {
	c := &compiler{
		Answers: flows.Answers{Target: "cilium", Default: rests},
		dialect: flows.Dialect{CNI: in.Pool.CNI},
		// A pool that does not declare a version has a current one.
		optionalDeny: in.Pool.CNI.Version == platform.Version{} || in.Pool.CNI.Version.AtLeast(1, 16),
	}
	plans := c.dialect.Plans(in.Program)
	return c.Emit(in.Program, plans, c.compile)
}
