// SPDX-License-Identifier: Apache-2.0

//go:build !guest

package selinux

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/check"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	backend "github.com/avert-dev/avert/compiler/emit/selinux"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/secil"
	"github.com/avert-dev/avert/internal/vm"
)

// policies are by what they block, each of a container of its own.
var policies = map[string]string{
	"nothing":      `capabilities: {default: Audit}, system: {rules: [{name: all, action: Audit, operations: [userns, module, signal]}]}`,
	"capabilities": `capabilities: {default: Block, rules: [{name: some, action: Allow, names: [NET_BIND_SERVICE, SYS_CHROOT]}]}`,
	"some":         `capabilities: {default: Allow, rules: [{name: some, action: Block, quiet: true, names: [CHOWN, WAKE_ALARM]}]}`,
	"families":     `network: {default: Allow, rules: [{name: all, action: Block, families: [%s]}]}`,
	"streams":      `network: {default: Allow, rules: [{name: unix, action: Block, families: [unix], types: [stream, seqpacket]}, {name: packet, action: Block, families: [packet]}]}`,
	"system":       `system: {rules: [{name: all, action: Block, operations: [mount, userns, bpf, ptrace, module, signal]}]}`,
	"implied":      `process: {default: Block}, system: {rules: [{name: some, action: Allow, operations: [mount, ptrace]}]}`,
}

// families are those that the back-end says it holds.
var families = strings.Fields(`alg appletalk atmpvc atmsvc ax25 bluetooth caif can decnet ieee802154 ipx irda isdn iucv kcm key llc mctp
	netlink netrom nfc packet phonet pppox qipcrtr rds rose rxrpc smc tipc unix vsock x25 xdp`)

// subject is a policy and its module.
type subject struct {
	policy *policy.Policy
	typ    string
	module secil.Module
}

// subjects compiles the policies for a kernel.
func subjects(t *testing.T, kernel string) map[string]subject {
	t.Helper()
	version, err := linux.ParseKernelVersion(kernel)
	if err != nil {
		t.Fatal(err)
	}
	pool := &platform.Pool{
		Kernel: version, LSMs: []string{"selinux"}, Targets: []string{"selinux"},
		Runtime: platform.Runtime{Name: "containerd", Version: platform.Version{Major: 2, Minor: 1}},
		SELinux: platform.SELinux{Toolchain: platform.Version{Major: 3, Minor: 8}},
	}
	out := map[string]subject{}
	for name, spec := range policies {
		spec = strings.Replace(spec, "%s", strings.Join(families, ", "), 1)
		text := fmt.Sprintf("{apiVersion: avert.dev/v1alpha1, kind: RuntimePolicy, metadata: {name: %s, namespace: test}, spec: {selector: {}, %s}}", name, spec)
		list := &diag.List{}
		program := lower.Program(check.Documents([]*diag.File{diag.NewFile(name+".yaml", []byte(text))}, list), list)
		if list.HasErrors() {
			t.Fatal(list.Sorted())
		}
		made := backend.Target.Emit(emit.Input{Program: program, Pool: pool})
		block, ok := emit.SELinuxBlock(program.Units[0], pool)
		if !ok || len(made.Files) == 0 {
			t.Fatalf("%s: no module", name)
		}
		out[name] = subject{program.Units[0].Policies[0], emit.SELinuxType(block), secil.Module{Name: made.Files[0].Name, Text: made.Files[0].Data}}
	}
	return out
}

// attempt is a deed and what it is to a policy. A nil operation is something that no policy is asked about.
type attempt struct {
	deed string
	op   *policy.Operation
}

func attempts() []attempt {
	var out []attempt
	add := func(deed string, op policy.Operation) { out = append(out, attempt{deed, &op}) }
	for _, name := range strings.Fields("CHOWN FOWNER MKNOD NET_ADMIN NET_BIND_SERVICE NET_RAW SETGID SYS_ADMIN SYS_CHROOT SYS_NICE SYS_TIME WAKE_ALARM") {
		add("capability "+name, policy.Operation{Kind: policy.OpCapability, Capability: name})
	}
	for _, family := range families {
		add("socket "+family, policy.Operation{Kind: policy.OpNetwork, Flow: policy.Flow{Family: family, Type: "dgram"}})
	}
	for _, protocol := range []int{0, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 20, 21} {
		add(fmt.Sprint("netlink ", protocol), policy.Operation{Kind: policy.OpNetwork, Flow: policy.Flow{Family: "netlink", Type: "raw"}})
	}
	add("stream unix", policy.Operation{Kind: policy.OpNetwork, Flow: policy.Flow{Family: "unix", Type: "stream"}})
	for deed, o := range map[string]policy.SystemOperation{
		"mount": policy.Mount, "bpf": policy.BPF, "module": policy.Module, "userns": policy.UserNS, "userns-capability": policy.UserNS, "ptrace OTHER": policy.Ptrace,
		"signal OTHER 0": policy.Signal, "signal OTHER 17": policy.Signal, "signal OTHER 18": policy.Signal,
	} {
		add(deed, policy.Operation{Kind: policy.OpSystem, System: o})
	}
	for _, deed := range []string{"socket inet", "stream inet6", "bind 127.0.0.1:8080", "connect 127.0.0.1:8080", "connect 127.0.0.1:1",
		"write /tmp/container/volume", "read /tmp/container/volume", "signal 0 0"} {
		out = append(out, attempt{deed: deed})
	}
	return out
}

// refused says whether the policy blocks the attempt and the kernel can.
func (s subject) refused(a attempt, kernel string) bool {
	switch {
	case a.op == nil:
		return false
	case a.op.System == policy.UserNS && kernel == "5.10" && s.policy.Capabilities == nil:
		return false // it asks from 6.1 on, as the answers say
	case a.deed == "socket mctp" && kernel == "5.10":
		return false // there is no such family
	}
	if a.op.Kind == policy.OpCapability && s.policy.Capabilities == nil {
		return false
	}
	return s.blocks(*a.op) || protected[a.deed] != "" && s.blocks(policy.Operation{Kind: policy.OpCapability, Capability: protected[a.deed]})
}

func (s subject) blocks(op policy.Operation) bool {
	return reference.Decide([]*policy.Policy{s.policy}, op, nil).Verdict.Action == policy.Block
}

// protected names the capability that the kernel wants for a deed.
var protected = map[string]string{
	"mount": "SYS_ADMIN", "module": "SYS_MODULE", "bpf": "BPF", "socket packet": "NET_RAW", "socket xdp": "NET_RAW",
	"userns-capability": "SYS_ADMIN",
}

// always is refused to every container, whatever its policy says.
var always = []string{"read /proc/OTHER/environ", "read /tmp/container/shadow", "write /tmp/container/shadow", "label exec", "label sockcreate"}

// TestEnforced: what processes of each type can do is what the policy says, on each kernel.
//
//proves:selinux network/families network/types capabilities/default-block capabilities/allow capabilities/block capabilities/quiet
//proves:selinux system/mount system/userns system/bpf system/ptrace system/module system/signal system/allow system/audit system/implied
func TestEnforced(t *testing.T) {
	t.Parallel()
	c, err := secil.New(t.Context(), secil.Trixie)
	needs.NoError(t, err)
	vm.Matrix(t, func(t *testing.T, kernel string) {
		p := plan{Node: "other_container_t"}
		modules := []secil.Module{secil.Base()}
		for _, s := range subjects(t, kernel) {
			modules = append(modules, s.module)
			r := role{Type: s.typ}
			for _, a := range attempts() {
				r.Deeds = append(r.Deeds, deed{a.deed, s.refused(a, kernel)})
			}
			for _, name := range always {
				r.Deeds = append(r.Deeds, deed{name, true})
			}
			p.Roles = append(p.Roles, r)
		}
		run(t, c, kernel, p, modules)
	})
}

// run has a guest carry out a plan under a policy.
func run(t *testing.T, c *secil.Toolchain, kernel string, p plan, modules []secil.Module) {
	t.Helper()
	binary, err := c.Compile(t.Context(), modules...)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	vm.Test(t, vm.Config{Kernel: kernel, LSM: vm.SELinux, Files: []vm.File{{Guest: policyFile, Data: binary}, {Guest: planFile, Data: data}}}, "^TestTypes$")
}

// usual are the deeds that Debian's policy lets containers do, with the capabilities that runtimes give.
var usual = []string{
	"capability CHOWN", "capability FOWNER", "capability NET_BIND_SERVICE", "capability NET_RAW", "capability SETGID", "capability SYS_CHROOT",
	"socket packet", "netlink 0", "netlink 4", "socket unix", "stream unix", "socket inet", "stream inet6", "bind 127.0.0.1:8080",
	"connect 127.0.0.1:8080", "write /tmp/container/volume", "read /tmp/container/volume", "signal 0 0",
}

// glue lets the node of Debian's policy be the first program of an initramfs, and its processes share pipes with containers,
// as a runtime's do.
const glue = `
(typepermissive kernel_t)
(typeattribute tested)
(typeattributeset tested (%s))
(allow tested kernel_t (fd (use)))
(allow tested kernel_t (fifo_file (read write append getattr ioctl)))
(allow tested kernel_t (process (sigchld)))
`

// TestEnforcedInDebian: the same with the policy of a distribution.
//
//proves:selinux capabilities/default-block capabilities/allow capabilities/block network/families
//proves:selinux system/mount system/userns system/bpf system/ptrace system/module system/signal floor
func TestEnforcedInDebian(t *testing.T) {
	t.Parallel()
	c, err := secil.New(t.Context(), secil.Trixie)
	needs.NoError(t, err)
	modules, err := secil.Debian(t.Context())
	needs.NoError(t, err)
	const kernel = "6.12"
	p := plan{Node: "container_t"}
	types := []string{"container_t"}
	for _, s := range subjects(t, kernel) {
		modules, types = append(modules, s.module), append(types, s.typ)
		r := role{Type: s.typ}
		for _, a := range attempts() {
			if refused := s.refused(a, kernel); refused || slices.Contains(usual, a.deed) {
				r.Deeds = append(r.Deeds, deed{a.deed, refused})
			}
		}
		for _, name := range always {
			r.Deeds = append(r.Deeds, deed{name, true})
		}
		p.Roles = append(p.Roles, r)
	}
	run(t, c, kernel, p, append(modules, secil.Module{Name: "glue.cil", Text: fmt.Appendf(nil, glue, strings.Join(types, " "))}))
}
