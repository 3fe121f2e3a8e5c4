// SPDX-License-Identifier: Apache-2.0

package foreign_test

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/check"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/diff"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/targets"
	"github.com/avert-dev/avert/compiler/foreign"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: w, namespace: shop}\nspec: {containers: [{name: c, image: c}]}\n"

// TestNetworkRoundTrip: what back-ends generate exactly, imported again, means
// what the policy means, for every flow. The back-ends are compared with
// Kubernetes' and Cilium's own decisions elsewhere.
func TestNetworkRoundTrip(t *testing.T) {
	for _, target := range []string{"networkpolicy", "cilium"} {
		t.Run(target, func(t *testing.T) {
			exact := 0
			rapid.Check(t, func(t *rapid.T) {
				p := sample.Policies().Filter(func(ps []*policy.Policy) bool { return ps[0].Network != nil }).Draw(t, "policies")[0]
				for _, r := range p.Network.Rules {
					if slices.ContainsFunc(r.Peers, func(p policy.Peer) bool { return p.Kind == policy.PeerDNS }) {
						t.Skip("which pods the cluster's DNS is, only the pool knows")
					}
				}
				p = &policy.Policy{Namespace: "shop", Name: "p", Network: p.Network}
				w := &policy.Workload{Kind: "Pod", Namespace: "shop", Name: "w", Containers: []policy.Container{{Name: "c"}}}
				program := lower.Program(&policy.Set{Policies: []*policy.Policy{p}, Workloads: []*policy.Workload{w}}, &diag.List{})
				pool := check.DefaultPools()[0]
				if target == "cilium" {
					pool.CNI.Name = "cilium"
				}
				out := targets.Find(target).Emit(emit.Input{Program: program, Pool: pool})
				if len(out.Files) == 0 || slices.ContainsFunc(out.Lowerings, func(l emit.Lowering) bool { return l.Status != emit.Exact }) {
					t.Skip("not exact")
				}
				var text bytes.Buffer
				for _, f := range out.Files {
					text.WriteString("---\n")
					text.Write(f.Data)
				}
				list := &diag.List{}
				made := foreign.Import(diag.NewFile("made.yaml", text.Bytes()), foreign.Options{}, list)
				if found := list.Sorted(); len(found) > 0 {
					t.Skip(found[0].Message) // what names of DNS are asked for, and the like
				}
				result := compiler.Understand(compiler.Input{Files: []*diag.File{diag.NewFile("policy.yaml", made), diag.NewFile("pod.yaml", []byte(pod))}})
				if result.Program == nil {
					t.Fatalf("%v\n%s", result.Findings, made)
				}
				changes, err := diff.Layers(program.Units[0].Enforced, result.Program.Units[0].Enforced, nil)
				if err != nil {
					t.Fatal(err)
				}
				// Objects say nothing about reports, and port 0 is nobody's.
				changes = slices.DeleteFunc(changes, func(ch diff.Change) bool {
					f := ch.Witness.Flow
					return !ch.Widens() && !ch.Narrows() || f.Protocol != "" && f.Port == 0
				})
				if len(changes) > 0 {
					t.Fatalf("%s\n%s\n%s", diff.Text([]diff.Scope{{Name: "p", Changes: changes}}), text.String(), made)
				}
				exact++
			})
			if exact < 10 {
				t.Errorf("%d policies were compared", exact)
			}
		})
	}
}
