// SPDX-License-Identifier: Apache-2.0

// Package networkpolicy is the back-end that writes NetworkPolicy objects of
// networking.k8s.io/v1.
//
// Such objects can only isolate pods and allow: what several allow adds up. A
// Block beside an Allow is carved out of it, since labels, ranges of addresses
// and ports have complements. Where nothing isolates, nothing can be blocked:
// a section with default Allow is not turned into an allowance of everything
// but, which would isolate the pods and leave what the API does not name (ICMP,
// nodes) to the plugin.
package networkpolicy

import (
	"fmt"
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/flows"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// Target is the back-end `networkpolicy`.
var Target = emit.Target{
	Name:     "networkpolicy",
	Summary:  "NetworkPolicy objects, for every network plugin that enforces them",
	Sections: []policy.Section{policy.Network},
	Takes:    takes,
	Default:  func(p *platform.Pool) bool { return p.CNI.Name != cilium },
	Emit:     run,
}

const cilium = "cilium"

func takes(p *platform.Pool) error {
	switch {
	case p.CNI.Name == "none":
		return fmt.Errorf("the pool has no network plugin")
	case !p.Kubernetes.AtLeast(1, 21):
		return fmt.Errorf("namespaces are selected by their label %s, which Kubernetes sets from 1.21 on", flows.NamespaceName)
	}
	return nil
}

func run(in emit.Input) emit.Output {
	if slices.Contains(in.Pool.Targets, cilium) {
		var list diag.List
		list.Report(diag.PoolMismatch, in.Pool.Span, fmt.Sprintf("pool %s has both networkpolicy and cilium", in.Pool.Name),
			diag.Hint("choose one: their allowances would add up, and an L4 allowance beside an L7 one switches L7 off"))
		return emit.Output{Findings: list.Sorted()}
	}
	c := &compiler{
		Answers:  flows.Answers{Target: "networkpolicy", Default: rests},
		endPort:  in.Pool.Kubernetes.AtLeast(1, 25),
		onCilium: in.Pool.CNI.Name == cilium,
	}
	plans := flows.Dialect{CNI: in.Pool.CNI}.Plans(in.Program)
	return c.Emit(in.Program, plans, c.compile)
}

const rests = "rests on: the plugin also drops protocols other than TCP, UDP and SCTP, of which NetworkPolicy says nothing; the node of a pod may always connect to it"
