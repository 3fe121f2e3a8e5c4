// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/lsm"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"github.com/avert-dev/avert/runtime/image"
)

// TestAgreesWithReference: the bytes of an image decide as the naive interpreter
// does, which shares no code with what wrote or reads them. About directories that
// get another name they may be stricter, and never looser.
func TestAgreesWithReference(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		data, dump := compile(t, ps)
		if data == nil {
			t.Skip("nothing for images")
		}
		m, err := image.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		for range 150 {
			op := sample.Operation(ps).Draw(t, "operation")
			got := m.Decide(op)
			if got == nil {
				continue
			}
			result := reference.Decide(ps, op, nil)
			if result.Undecided {
				continue
			}
			want := append([]policy.Verdict{result.Verdict}, result.Would...)
			if len(got) != len(want) {
				t.Fatalf("%d layers, want %d", len(got), len(want))
			}
			for i, w := range want {
				same := got[i].Action == w.Action && (got[i].Report == w.Report || silenced(ps, op))
				if !same && !stricter(op, got[i]) {
					t.Fatalf("layer %d: %+v, the reference %+v\n%s", i, got[i], w, dump)
				}
				seen[kind(op, got[i], w)]++
			}
		}
	})
	// Each must have been met, or the test proves less than it says.
	for _, want := range []string{
		"exec Allow", "exec Audit", "exec Block", "file Allow", "file Audit", "file Block", "system Allow", "system Block",
		"move Allow", "move Block", "move directory Allow", "move directory Block",
	} {
		if seen[want] == 0 && !t.Failed() {
			t.Errorf("no operation was %s: %v", want, seen)
		}
	}
	t.Log(seen)
}

func kind(op policy.Operation, got image.Verdict, want policy.Verdict) string {
	out := map[policy.OperationKind]string{policy.OpExec: "exec", policy.OpFile: "file", policy.OpSystem: "system", policy.OpRename: "move", policy.OpLink: "move"}[op.Kind]
	if op.Directory && out == "move" {
		out += " directory"
	}
	if got.Action != want.Action {
		return fmt.Sprintf("%s %s instead of %s", out, got.Action, want.Action)
	}
	return out + " " + got.Action.String()
}

// stricter says whether a verdict may differ from the reference's: what is blocked
// and freed below two names is compared without looking where.
func stricter(op policy.Operation, got image.Verdict) bool {
	return (op.Kind == policy.OpRename || op.Kind == policy.OpLink) && op.Directory && got == image.Verdict{Action: policy.Block, Report: true}
}

// silenced says whether a quiet Block of process may silence the default of file
// for mapping: see Lowering.Refuses of the back-end.
func silenced(ps []*policy.Policy, op policy.Operation) bool {
	return op.Kind == policy.OpFile && op.Access == policy.AccessMap && slices.ContainsFunc(ps, func(p *policy.Policy) bool {
		return p.Process != nil && slices.ContainsFunc(p.Process.Rules, func(r policy.PathRule) bool { return r.Quiet && r.From == nil })
	})
}

// compile returns the image of policies that govern one container, or nil, and
// what the policies say.
func compile(t interface{ Fatalf(string, ...any) }, ps []*policy.Policy) (data []byte, dump string) {
	list := &diag.List{}
	w := &policy.Workload{Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Containers: []policy.Container{{Name: "c"}}}
	program := lower.Program(&policy.Set{Policies: ps, Workloads: []*policy.Workload{w}}, list)
	pool := &platform.Pool{Kernel: linux.KernelVersion{Major: 6, Minor: 12}, LSMs: []string{"bpf"}, Architectures: []linux.Arch{linux.AMD64}}
	out := lsm.Target.Emit(emit.Input{Program: program, Pool: pool})
	if list.HasErrors() || len(out.Findings) > 0 || len(out.Files) > 1 {
		t.Fatalf("%v %v, %d files", list.Sorted(), out.Findings, len(out.Files))
	}
	if len(out.Files) == 0 {
		return nil, ""
	}
	return out.Files[0].Data, string(program.Units[0].Dump())
}
