// SPDX-License-Identifier: Apache-2.0

package flows_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/cilium"
	"github.com/avert-dev/avert/compiler/emit/networkpolicy"
	"github.com/avert-dev/avert/compiler/platform"
)

func TestTakes(t *testing.T) {
	current, old := platform.Version{Major: 1, Minor: 31}, platform.Version{Major: 1, Minor: 20}
	for _, tt := range []struct {
		cni        string
		kubernetes platform.Version
		cilium     string // takes by default, takes, or the error
		plain      string
	}{
		{"cilium", current, "default", "takes"},
		{"cilium", old, "default", "1.21"},
		{"calico", current, "not cilium", "default"},
		{"other", old, "not cilium", "1.21"},
		{"none", current, "not cilium", "no network plugin"},
	} {
		pool := &platform.Pool{CNI: platform.CNI{Name: tt.cni}, Kubernetes: tt.kubernetes}
		for target, want := range map[*emit.Target]string{&cilium.Target: tt.cilium, &networkpolicy.Target: tt.plain} {
			got := "takes"
			if err := target.Takes(pool); err != nil {
				got = err.Error()
			} else if target.Default(pool) {
				got = "default"
			}
			if !strings.Contains(got, want) {
				t.Errorf("%s with %s of %s: %s, want %s", target.Name, tt.cni, tt.kubernetes, got, want)
			}
		}
	}
}

func TestNeverBoth(t *testing.T) {
	p := program(t, []byte(open))
	pool := poolOf(t, &cilium.Target, "")
	pool.Targets = []string{"cilium", "networkpolicy"}
	out := networkpolicy.Target.Emit(emit.Input{Program: p, Pool: pool})
	if len(out.Findings) != 1 || out.Findings[0].Code != diag.PoolMismatch || len(out.Files) > 0 {
		t.Errorf("%+v", out)
	}
}

const open = `
apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: open, namespace: shop}
spec:
  selector: {}
  network: {default: Allow}
`

// A default of Allow with no Block emits nothing.
func TestNothingToEmit(t *testing.T) {
	for _, target := range []*emit.Target{&cilium.Target, &networkpolicy.Target} {
		out := target.Emit(emit.Input{Program: program(t, []byte(open)), Pool: poolOf(t, target, "")})
		if len(out.Files) != 0 || len(out.Lowerings) != 1 || out.Lowerings[0].Status != emit.Exact {
			t.Errorf("%s: %+v", target.Name, out)
		}
	}
}

// Policies that overlap each other in many ways neither take forever nor lose
// what they block silently.
func TestManyOverlaps(t *testing.T) {
	p := program(t, overlapping(20))
	for _, target := range []*emit.Target{&cilium.Target, &networkpolicy.Target} {
		in := emit.Input{Program: p, Pool: poolOf(t, target, "")}
		out := target.Emit(in)
		if again := target.Emit(in); !slices.EqualFunc(out.Files, again.Files, func(a, b emit.File) bool { return bytes.Equal(a.Data, b.Data) }) {
			t.Errorf("%s: not the same bytes twice", target.Name)
		}
		for _, l := range out.Lowerings {
			if l.Rule == "network/block" && l.Status == emit.Exact && target == &networkpolicy.Target {
				t.Errorf("%s: %s is exact", l.Scope, l.Rule)
			}
			if strings.Contains(l.Reason, "defect") {
				t.Error(l.Reason)
			}
		}
	}
}

// Hundreds of them are refused.
func TestTooManyOverlaps(t *testing.T) {
	p := program(t, overlapping(400))
	for _, target := range []*emit.Target{&cilium.Target, &networkpolicy.Target} {
		out := target.Emit(emit.Input{Program: p, Pool: poolOf(t, target, "")})
		if len(out.Findings) != 1 || out.Findings[0].Code != diag.OverlappingPolicy || len(out.Files) > 0 {
			t.Errorf("%s: %d files, %+v", target.Name, len(out.Files), out.Findings)
		}
	}
}

// overlapping are n policies that may all select one pod.
func overlapping(n int) []byte {
	var input bytes.Buffer
	for i := range n {
		fmt.Fprintf(&input, `---
apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: p%[1]d, namespace: shop}
spec:
  selector: {matchLabels: {key-%[1]d: x}}
  network:
    default: {ingress: %[2]s, egress: Block}
    rules:
      - {name: allow, action: Allow, direction: Ingress, peers: [{podSelector: {}}], ports: [{port: 80}]}
      - {name: http, action: Allow, direction: Ingress, ports: [{port: 80}], http: [{path: /%[1]d}]}
      - {name: block, action: Block, direction: Ingress, peers: [{podSelector: {matchLabels: {a-%[1]d: x, b-%[1]d: x, c-%[1]d: x}}}], ports: [{port: 80}]}
`, i, []string{"Block", "Allow"}[i%2])
	}
	return input.Bytes()
}
