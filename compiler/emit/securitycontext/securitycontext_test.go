// SPDX-License-Identifier: Apache-2.0

package securitycontext

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

func emitFor(t interface{ Fatalf(string, ...any) }, ps []*policy.Policy, w *policy.Workload) emit.Output {
	set := &policy.Set{}
	for _, p := range ps {
		q := *p
		q.Selector, q.Containers = policy.Selector{}, p.Containers
		set.Policies = append(set.Policies, &q)
	}
	if w != nil {
		w.Namespace = ps[0].Namespace
		set.Workloads = []*policy.Workload{w}
	}
	list := &diag.List{}
	program := lower.Program(set, list)
	if list.HasErrors() {
		t.Fatalf("%v", list.Sorted())
	}
	return run(emit.Input{Program: program, Pool: &platform.Pool{
		Targets: []string{"seccomp", name},
		Runtime: platform.Runtime{Name: "containerd", Version: platform.Version{Major: 2, Minor: 1}},
	}})
}

func capabilitiesPolicy(deflt policy.Action, rules ...policy.CapabilityRule) []*policy.Policy {
	return []*policy.Policy{{Namespace: "n", Name: "p", Capabilities: &policy.CapabilitySection{Default: deflt, Rules: rules}}}
}

func rule(action policy.Action, from bool, names ...string) policy.CapabilityRule {
	r := policy.CapabilityRule{Rule: policy.Rule{Section: policy.Capabilities, Name: "r", Action: action}}
	for _, n := range names {
		r.Names = append(r.Names, policy.Pattern{Text: n})
	}
	if from {
		r.From = &policy.From{Exe: []policy.Pattern{{Text: "/a"}}}
	}
	return r
}

func TestPatches(t *testing.T) {
	no := false
	for _, c := range []struct {
		name      string
		policies  []*policy.Policy
		workload  policy.Workload
		container policy.Container
		want      string // substrings of the patch, one a line; "" for no patch
		status    emit.Status
	}{
		{
			name: "default Block", policies: capabilitiesPolicy(policy.Block, rule(policy.Allow, false, "NET_BIND_SERVICE", "SYS_ADMIN")),
			want: "add:\n- NET_BIND_SERVICE\n- ALL", // SYS_ADMIN was not asked for
		},
		{
			name: "what the pod adds may stay", policies: capabilitiesPolicy(policy.Block, rule(policy.Allow, false, "SYS_ADMIN")),
			container: policy.Container{AddCapabilities: []string{"SYS_ADMIN"}},
			want:      "- SYS_ADMIN",
		},
		{
			name: "what the pod drops stays dropped", policies: capabilitiesPolicy(policy.Block, rule(policy.Allow, false, "CHOWN", "KILL")),
			container: policy.Container{DropCapabilities: []string{"CHOWN"}},
			want:      "- KILL",
		},
		{
			name: "allowPrivilegeEscalation as given", policies: capabilitiesPolicy(policy.Block),
			container: policy.Container{AllowPrivilegeEscalation: &no},
			want:      "allowPrivilegeEscalation: false\n- ALL",
		},
		{
			name: "one Block leaves the rest alone", policies: capabilitiesPolicy(policy.Allow, rule(policy.Block, false, "MKNOD", "SYS_ADMIN")),
			container: policy.Container{AddCapabilities: []string{"SYS_ADMIN", "SYS_TIME"}, DropCapabilities: []string{"CHOWN"}},
			want:      "add:\n- SYS_TIME\n- CHOWN\n- MKNOD",
		},
		{
			// Without the key a strategic merge would keep the pod's own list.
			name: "an empty list is written", policies: capabilitiesPolicy(policy.Block),
			container: policy.Container{AddCapabilities: []string{"SYS_ADMIN"}},
			want:      "add: []\n- ALL",
		},
		{
			name: "nothing to take away", policies: capabilitiesPolicy(policy.Allow, rule(policy.Allow, false, "KILL")),
		},
		{
			name: "privileged", policies: capabilitiesPolicy(policy.Block),
			container: policy.Container{Privileged: true}, status: emit.None,
		},
		{
			name: "ephemeral", policies: capabilitiesPolicy(policy.Block),
			container: policy.Container{Kind: policy.EphemeralContainer}, status: emit.None,
		},
		{
			//proves:securitycontext capabilities/allow-from
			name: "a condition on an Allow is dropped", policies: capabilitiesPolicy(policy.Block, rule(policy.Allow, true, "KILL")),
			want: "- KILL", status: emit.Looser,
		},
		{
			name: "CronJob", policies: capabilitiesPolicy(policy.Block), workload: policy.Workload{APIVersion: "batch/v1", Kind: "CronJob"},
			container: policy.Container{Kind: policy.InitContainer},
			want:      "jobTemplate:\ninitContainers:",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.workload
			if w.Kind == "" {
				w.APIVersion, w.Kind = "v1", "Pod"
			}
			w.Name = "w"
			c.container.Name = "c"
			w.Containers = []policy.Container{c.container}
			out := emitFor(t, c.policies, &w)
			var text string
			for _, f := range out.Files {
				text += string(f.Data)
			}
			if (c.want == "") != (text == "") {
				t.Fatalf("patch:\n%s", text)
			}
			for line := range strings.SplitSeq(c.want, "\n") {
				if !strings.Contains(text, line) {
					t.Errorf("no %q in\n%s", line, text)
				}
			}
			if strings.Contains(text, "NET_RAW") && c.name == "one Block leaves the rest alone" {
				t.Errorf("what the pod does not ask for is added:\n%s", text)
			}
			if strings.Contains(text, "- SYS_ADMIN") && c.container.AddCapabilities == nil {
				t.Errorf("more than the pod asks for:\n%s", text)
			}
			for _, l := range out.Lowerings {
				if l.Rule == "capabilities/default" && l.Status != c.status {
					t.Errorf("default is %v (%s), want %v", l.Status, l.Reason, c.status)
				}
			}
		})
	}
}

// TestOwnProfileStays: a profile that the workload names itself may be stricter
// than what would replace it.
func TestOwnProfileStays(t *testing.T) {
	ps := []*policy.Policy{{Namespace: "n", Name: "p", Syscalls: &policy.SyscallSection{}}}
	for own, patched := range map[string]bool{"": true, "mine.json": false, "avert/n-p.json": true} {
		w := &policy.Workload{APIVersion: "v1", Kind: "Pod", Name: "w", Containers: []policy.Container{{Name: "c", SeccompProfile: own}}}
		if out := emitFor(t, ps, w); (len(out.Files) > 0) != patched {
			t.Errorf("%q: %d patches", own, len(out.Files))
		}
	}
}

// TestAppArmorProfile: the field from Kubernetes 1.30 on, the pod's annotation
// before, nothing where the container names a profile of its own.
func TestAppArmorProfile(t *testing.T) {
	ps := []*policy.Policy{{Namespace: "n", Name: "p", File: &policy.PathSection{Default: policy.Allow}}}
	for _, c := range []struct {
		kind, own string
		minor     int
		want      string // "" for no patch
	}{
		{"annotated Pod", "", 30, "metadata:\n  annotations:\n    container.apparmor.security.beta.kubernetes.io/c: localhost/avert.n-p_pod-w_c\n"},
		{"annotated Pod", "", 30, "appArmorProfile:\n        localhostProfile: avert.n-p_pod-w_c\n        type: Localhost"},
		{"Pod", "", 30, "appArmorProfile:\n        localhostProfile: avert.n-p_pod-w_c\n        type: Localhost"},
		{"Pod", "", 29, "metadata:\n  annotations:\n    container.apparmor.security.beta.kubernetes.io/c: localhost/avert.n-p_pod-w_c\n"},
		{"Deployment", "", 29, "  template:\n    metadata:\n      annotations:\n        container.apparmor.security.beta.kubernetes.io/c: localhost/avert.n-p_deployment-w_c\n"},
		{"Pod", "mine", 30, ""},
		{"Pod", policy.AppArmorUnconfined, 29, ""},
	} {
		kind, annotated := strings.CutPrefix(c.kind, "annotated ")
		w := &policy.Workload{APIVersion: "v1", Kind: kind, Name: "w", Namespace: "n", Containers: []policy.Container{{Name: "c", AppArmorProfile: c.own, AppArmorAnnotated: annotated}}}
		program := lower.Program(&policy.Set{Policies: ps, Workloads: []*policy.Workload{w}}, &diag.List{})
		out := run(emit.Input{Program: program, Pool: &platform.Pool{
			Targets: []string{"apparmor", name}, Kubernetes: platform.Version{Major: 1, Minor: c.minor},
			Runtime: platform.Runtime{Name: "containerd", Version: platform.Version{Major: 2, Minor: 1}},
		}})
		text := ""
		for _, f := range out.Files {
			text += string(f.Data)
		}
		if !strings.Contains(text, c.want) || (c.want == "") != (text == "") {
			t.Errorf("%+v:\n%s", c, text)
		}
	}
}

// TestSELinuxType: containers get the type of their module, with what their pods
// say of the rest of the label, where the pool uses the target and has the type.
func TestSELinuxType(t *testing.T) {
	pool := func(targets ...string) *platform.Pool {
		return &platform.Pool{
			Targets: targets, LSMs: []string{"selinux"}, SELinux: platform.SELinux{Toolchain: platform.Version{Major: 3, Minor: 6}},
			Runtime: platform.Runtime{Name: "cri-o", Version: platform.Version{Major: 1, Minor: 31}},
		}
	}
	const made = "seLinuxOptions: type: avert_n-p__pod-w__c.process"
	for _, c := range []struct {
		name      string
		pool      *platform.Pool
		container policy.Container
		want      string
	}{
		{"attached", pool(name, "selinux"), policy.Container{}, made},
		{"the rest stays", pool(name, "selinux"), policy.Container{SELinux: policy.SELinuxOptions{User: "u", Role: "r", Level: "s0:c1,c2"}},
			"seLinuxOptions: level: s0:c1,c2 role: r type: avert_n-p__pod-w__c.process user: u"},
		{"renewed", pool(name, "selinux"), policy.Container{SELinux: policy.SELinuxOptions{Type: "avert_old.process"}}, made},
		{"another target", pool(name), policy.Container{}, ""},
		{"a type of its own", pool(name, "selinux"), policy.Container{SELinux: policy.SELinuxOptions{Type: "spc_t"}}, ""},
		{"privileged", pool(name, "selinux"), policy.Container{Privileged: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.container.Name = "c"
			w := &policy.Workload{APIVersion: "v1", Kind: "Pod", Namespace: "n", Name: "w", Containers: []policy.Container{c.container}}
			ps := []*policy.Policy{{Namespace: "n", Name: "p", System: &policy.SystemSection{Rules: []policy.SystemRule{{
				Rule: policy.Rule{Section: policy.System, Name: "r", Action: policy.Block}, Operations: []policy.SystemOperation{policy.UserNS}}}}}}
			program := lower.Program(&policy.Set{Policies: ps, Workloads: []*policy.Workload{w}}, &diag.List{})
			var text string
			for _, f := range run(emit.Input{Program: program, Pool: c.pool}).Files {
				text += string(f.Data)
			}
			text = strings.Join(strings.Fields(text), " ")
			if got := strings.Contains(text, "seLinuxOptions"); got != (c.want != "") || !strings.Contains(text, c.want) {
				t.Errorf("want %q in\n%s", c.want, text)
			}
		})
	}
}

func TestAloneHoldsNothing(t *testing.T) {
	out := emitFor(t, capabilitiesPolicy(policy.Block), nil)
	if len(out.Files) != 0 || len(out.Lowerings) != 1 || out.Lowerings[0].Status != emit.None {
		t.Errorf("%d files, lowerings %v", len(out.Files), out.Lowerings)
	}
}

// TestKeepsWhatThePolicyAllows compares with the reference: without conditions
// on the lineage a capability stays exactly when it was there and is not
// blocked, and what is reported as exact is.
//
//proves:securitycontext random
//proves:securitycontext capabilities/default-block capabilities/allow capabilities/block capabilities/quiet capabilities/audit
func TestKeepsWhatThePolicyAllows(t *testing.T) {
	some := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"CHOWN", "SYS_ADMIN", "NET_BIND_SERVICE", "ALL"}), rapid.ID)
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		for _, p := range ps {
			p.Process, p.File, p.Network, p.Syscalls, p.System, p.Containers = nil, nil, nil, nil, nil, nil
			if p.Capabilities != nil {
				for i := range p.Capabilities.Rules {
					p.Capabilities.Rules[i].From = nil
				}
			}
		}
		c := policy.Container{Name: "c", AddCapabilities: some.Draw(t, "add"), DropCapabilities: some.Draw(t, "drop")}
		given := []string{"CHOWN", "KILL", "NET_BIND_SERVICE"}
		set := &policy.Set{Policies: ps, Workloads: []*policy.Workload{{APIVersion: "v1", Kind: "Pod", Namespace: ps[0].Namespace, Name: "w", Containers: []policy.Container{c}}}}
		for _, p := range ps {
			p.Selector = policy.Selector{}
		}
		unit := lower.Program(set, &diag.List{}).Units[0]
		if unit.Enforced.Capabilities == nil {
			t.Skip("not governed")
		}
		before := emit.Granted(&c, given)
		after := before
		if lists := capabilities(unit, given); lists != nil {
			after = emit.Granted(&policy.Container{AddCapabilities: lists.Add, DropCapabilities: lists.Drop}, given)
		}
		for _, name := range linux.CapabilityNames() {
			verdict := reference.Decide(ps, policy.Operation{Kind: policy.OpCapability, Capability: name}, nil).Verdict
			want := slices.Contains(before, name) && verdict.Action != policy.Block
			if got := slices.Contains(after, name); got != want {
				t.Fatalf("%s: kept %v, want %v (before %v)", name, got, want, before)
			}
		}
	})
}
