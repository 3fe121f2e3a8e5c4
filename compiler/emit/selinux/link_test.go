// SPDX-License-Identifier: Apache-2.0

package selinux

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/secil"
)

// everything blocks all that the back-end holds.
const everything = `
apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: everything, namespace: shop}
spec:
  selector: {matchLabels: {app: a}}
  network:
    default: Allow
    rules: [{name: all, action: Block, families: [%s]}]
  capabilities: {default: Block}
  system:
    rules: [{name: all, action: Block, operations: [mount, userns, bpf, ptrace, module, signal]}]
`

// nothing allows what runtimes give and audits all that can be audited.
const nothing = `
apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: nothing, namespace: shop}
spec:
  selector: {matchLabels: {app: a}}
  network:
    default: Allow
    rules: [{name: all, action: Audit, families: [%s]}]
  capabilities: {default: Audit}
  system:
    rules: [{name: all, action: Audit, operations: [userns, module, signal]}]
`

const newest = `pools: [{name: newest, kernel: "6.12", lsm: [selinux], selinux: {toolchain: "3.8"}, targets: [selinux]}]`

func withFamilies(text string) []byte {
	var names []string
	for _, c := range socketClasses {
		if len(names) == 0 || names[len(names)-1] != c.family {
			names = append(names, c.family)
		}
	}
	return fmt.Appendf(nil, text, strings.Join(names, ", "))
}

// modules returns what nodes load of an output.
func modules(out emit.Output) []secil.Module {
	var list []secil.Module
	for _, f := range out.Files {
		if strings.HasSuffix(f.Name, ".cil") {
			list = append(list, secil.Module{Name: f.Name, Text: f.Data})
		}
	}
	return list
}

// TestLinks: modules that use `deny` link with the toolchain that has it, and the
// others with one that has not, into a base policy.
func TestLinks(t *testing.T) {
	inputs := map[string][2][]byte{"everything": {withFamilies(everything), []byte(newest)}, "nothing": {withFamilies(nothing), []byte(newest)}}
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		inputs[path] = [2][]byte{a.Files[0].Data, a.Files[1].Data}
	}
	for _, suite := range []string{secil.Bookworm, secil.Trixie} {
		c, err := secil.New(t.Context(), suite)
		needs.NoError(t, err)
		linked := 0
		for name, in := range inputs {
			for pool, out := range emitAll(t, in[0], in[1]) {
				list := modules(out)
				if emit.SELinuxDenies(pool) != (suite == secil.Trixie) {
					continue
				}
				linked += len(list)
				if _, err := c.Compile(t.Context(), append([]secil.Module{secil.Base()}, list...)...); err != nil {
					t.Errorf("%s, pool %s, toolchain of %s: %v", name, pool.Name, suite, err)
				}
			}
		}
		if linked < 2 {
			t.Errorf("%s: %d modules", suite, linked)
		}
	}
}

// TestLinksWithDebian: modules link into the policy of Debian 13, in which they
// grant no more than they should.
func TestLinksWithDebian(t *testing.T) {
	c, err := secil.New(t.Context(), secil.Trixie)
	needs.NoError(t, err)
	debian, err := secil.Debian(t.Context())
	needs.NoError(t, err)
	var ask []secil.Access
	want := map[secil.Access]bool{}
	for _, text := range []string{everything, nothing} {
		for _, out := range emitAll(t, withFamilies(text), []byte(newest)) {
			debian = append(debian, modules(out)...)
		}
	}
	expect := func(unit, target, class, permission string, granted bool) {
		a := secil.Access{Source: "avert_shop-" + unit + ".process", Target: target, Class: class, Permission: permission}
		ask, want[a] = append(ask, a), granted
	}
	for _, c := range socketClasses {
		expect("everything", "self", c.class, "create", false)
	}
	// Debian grants these to containers, and what denies nothing leaves them.
	for _, class := range []string{"packet_socket", "netlink_route_socket", "unix_stream_socket", "tcp_socket", "udp_socket", "rawip_socket"} {
		expect("nothing", "self", class, "create", true)
	}
	expect("everything", "self", "tcp_socket", "create", true)
	expect("nothing", "self", "alg_socket", "create", false)
	for _, name := range linux.CapabilityNames() {
		for _, a := range capability(name) {
			expect("everything", "self", a.class, a.permissions[0], false)
		}
	}
	for _, name := range []string{"CHOWN", "SETUID", "NET_RAW", "MKNOD"} {
		expect("nothing", "self", "capability", strings.ToLower(name), true)
	}
	expect("nothing", "self", "capability", "sys_admin", false)
	for _, e := range operations {
		for _, a := range e.accesses {
			for _, p := range a.permissions {
				if a.target != notself {
					expect("everything", "domain", a.class, p, false)
				}
			}
		}
	}
	expect("everything", "init_t", "process", "signal", false)
	expect("everything", "self", "process", "signal", true)
	for _, other := range []string{"init_t", "kernel_t", "container_t", "container_engine_t"} {
		expect("nothing", other, "file", "read", false) // what ptrace rests on
	}
	expect("everything", "container_file_t", "file", "write", true)
	expect("nothing", "port_type", "tcp_socket", "name_connect", true)
	expect("nothing", "shadow_t", "file", "read", false)
	granted, err := c.Granted(t.Context(), debian, ask)
	if err != nil {
		t.Fatal(err)
	}
	for a, w := range want {
		if granted[a] != w {
			t.Errorf("%s: granted %v, want %v", a, granted[a], w)
		}
	}
}

// TestShadowIsRefused: what a base policy never allows, no module can grant; a
// module that would is refused as a whole.
func TestShadowIsRefused(t *testing.T) {
	c, err := secil.New(t.Context(), secil.Trixie)
	needs.NoError(t, err)
	for _, out := range emitAll(t, withFamilies(nothing), []byte(newest)) {
		m := modules(out)[0]
		m.Text = []byte(strings.Replace(string(m.Text), "(blockinherit container)", "(blockinherit container) (allow process shadow_t (file (read)))", 1))
		_, err := c.Compile(t.Context(), secil.Base(), m)
		var refused *secil.Refused
		if !errors.As(err, &refused) || !strings.Contains(refused.Output, "neverallow check failed") {
			t.Errorf("%v", err)
		}
	}
}

// TestModuleMeansPolicy compares modules, as the toolchain links them into a base
// that grants all there is to deny, with the reference interpreter.
//
//proves:selinux random
//proves:selinux capabilities/allow capabilities/block capabilities/quiet capabilities/audit network/families network/types system/allow system/audit
func TestModuleMeansPolicy(t *testing.T) {
	c, err := secil.New(t.Context(), secil.Trixie)
	needs.NoError(t, err)
	pool := &platform.Pool{
		Kernel: linux.KernelVersion{Major: 6, Minor: 12}, LSMs: []string{name}, Targets: []string{name},
		Runtime: platform.Runtime{Name: "containerd", Version: platform.Version{Major: 2, Minor: 1}},
		SELinux: platform.SELinux{Toolchain: platform.Version{Major: 3, Minor: 6}},
	}
	rapid.Check(t, func(r *rapid.T) {
		ps := sample.Policies().Draw(r, "policies")
		for _, p := range ps {
			withoutLineage(p)
			if p.Network != nil {
				aboutSockets(r, p.Network)
			}
		}
		w := &policy.Workload{Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Containers: []policy.Container{{Name: "c"}}}
		list := &diag.List{}
		program := lower.Program(&policy.Set{Policies: ps, Workloads: []*policy.Workload{w}}, list)
		if list.HasErrors() {
			r.Fatal(list.Sorted())
		}
		linked := modules(Target.Emit(emit.Input{Program: program, Pool: pool}))
		if len(linked) == 0 {
			r.Skip("nothing to hold")
		}
		block, _ := emit.SELinuxBlock(program.Units[0], pool)
		want, ask := map[secil.Access]bool{}, []secil.Access(nil)
		expect := func(op policy.Operation, accesses []access) {
			allowed := reference.Decide(ps, op, nil).Verdict.Action != policy.Block
			for _, a := range accesses {
				target := map[string]string{self: "self", anyType: "self", notself: "other_container_t"}[a.target]
				if a.class == "dir" || a.class == "filesystem" || strings.HasSuffix(a.class, "file") {
					target = "container_file_t"
				}
				for _, p := range a.permissions {
					q := secil.Access{Source: emit.SELinuxType(block), Target: target, Class: a.class, Permission: p}
					ask, want[q] = append(ask, q), allowed
				}
			}
		}
		for _, name := range linux.CapabilityNames() {
			expect(policy.Operation{Kind: policy.OpCapability, Capability: name}, capability(name))
		}
		for _, s := range socketClasses {
			typ := "raw"
			if s.types != nil {
				typ = s.types[0]
			}
			expect(policy.Operation{Kind: policy.OpNetwork, Flow: policy.Flow{Family: s.family, Type: typ}}, s.accesses())
		}
		for o, e := range operations {
			expect(policy.Operation{Kind: policy.OpSystem, System: o}, e.accesses)
		}
		granted, err := c.Granted(t.Context(), append([]secil.Module{secil.Base()}, linked...), ask)
		if err != nil {
			r.Fatal(err)
		}
		for a, w := range want {
			if granted[a] != w {
				r.Fatalf("%s: granted %v, want %v\n%s", a, granted[a], w, linked[0].Text)
			}
		}
	})
}

// withoutLineage takes away what no type can express.
func withoutLineage(p *policy.Policy) {
	p.Selector, p.Containers = policy.Selector{}, nil
	for _, s := range policy.Sections {
		for _, r := range p.Rules(s) {
			r.From = nil
		}
	}
}

// aboutSockets gives a section rules about other families than INET, of the kinds
// that classes of sockets can tell apart.
func aboutSockets(r *rapid.T, s *policy.NetworkSection) {
	s.Rules = slices.DeleteFunc(s.Rules, func(n policy.NetworkRule) bool { return slices.ContainsFunc(n.Families, otherFamily) })
	for i := range rapid.IntRange(0, 3).Draw(r, "rules about sockets") {
		n := policy.NetworkRule{Rule: policy.Rule{
			Section: policy.Network, Name: fmt.Sprint("socket-", i), Quiet: rapid.Bool().Draw(r, "quiet"),
			Action: rapid.SampledFrom([]policy.Action{policy.Allow, policy.Audit, policy.Block}).Draw(r, "action"),
		}}
		n.Families = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"inet", "netlink", "packet", "vsock", "alg", "bridge"}), 1, 3, rapid.ID).Draw(r, "families")
		if rapid.Bool().Draw(r, "unix") {
			n.Families = []string{"unix"}
			n.Types = rapid.SampledFrom([][]string{nil, {"stream", "seqpacket"}, {"dgram", "raw"}}).Draw(r, "types")
		}
		s.Rules = append(s.Rules, n)
	}
}
