// SPDX-License-Identifier: Apache-2.0

// Package securitycontext lowers to strategic merge patches of workloads: it
// attaches the profiles that other back-ends write, and holds capability rules
// by taking capabilities away from containers.
//
// It needs the workloads as input: a patch is aimed at one by name.
package securitycontext

import (
	"slices"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

const name = "securitycontext"

// Target is the back-end `securitycontext`.
var Target = emit.Target{
	Name:     name,
	Summary:  "patches of workloads that attach profiles and drop capabilities",
	Sections: []policy.Section{policy.Capabilities},
	Takes:    takes,
	Default:  func(*platform.Pool) bool { return true },
	Emit:     run,
}

// takes needs to know what the runtime gives by itself.
func takes(pool *platform.Pool) error {
	_, err := given(pool)
	return err
}

// given returns the capabilities that the pool's runtime gives by itself.
func given(pool *platform.Pool) ([]string, error) {
	return floor.Capabilities(pool.Runtime.Name, pool.Runtime.Version.String())
}

func run(in emit.Input) emit.Output {
	var out emit.Output
	given, err := given(in.Pool)
	if err != nil {
		panic(err) // Takes has refused such a pool
	}
	patches := map[*policy.Workload]*patch{}
	for _, u := range in.Program.Units {
		out.Lowerings = append(out.Lowerings, lowerings(u)...)
		if u.Workload == nil {
			continue
		}
		p := patches[u.Workload]
		if p == nil {
			p = newPatch(u.Workload)
			patches[u.Workload] = p
		}
		p.add(u, contextOf(u, in.Pool, given))
	}
	for _, w := range in.Program.Workloads {
		if p := patches[w]; p != nil && !p.empty() {
			out.Files = append(out.Files, p.file())
		}
	}
	return out
}

// contextOf returns what a container's securityContext gets.
func contextOf(u *ir.Unit, pool *platform.Pool, given []string) securityContext {
	var c securityContext
	if file, ok := emit.SeccompProfile(u); ok && !u.Container.Privileged && !emit.OwnSeccompProfile(u) && slices.Contains(pool.Targets, "seccomp") {
		c.SeccompProfile = &profile{Type: "Localhost", LocalhostProfile: emit.SeccompFolder + "/" + file}
	}
	if block, ok := emit.SELinuxBlock(u, pool); ok && slices.Contains(pool.Targets, "selinux") {
		o := u.Container.SELinux
		c.SELinuxOptions = &label{User: o.User, Role: o.Role, Type: emit.SELinuxType(block), Level: o.Level}
	}
	if name, ok := emit.AppArmorProfile(u); ok && !u.Container.Privileged && !emit.OwnAppArmorProfile(u) && slices.Contains(pool.Targets, "apparmor") {
		// The field exists from Kubernetes 1.30 on, the annotation from the start. The
		// API server refuses pods in which the two differ.
		if pool.Kubernetes.AtLeast(1, 30) {
			c.AppArmorProfile = &profile{Type: "Localhost", LocalhostProfile: name}
		}
		if !pool.Kubernetes.AtLeast(1, 30) || u.Container.AppArmorAnnotated {
			c.annotation = "localhost/" + name
		}
	}
	if u.Enforced.Capabilities != nil && !u.Container.Privileged {
		c.Capabilities = capabilities(u, given)
	}
	if !c.empty() {
		c.AllowPrivilegeEscalation = u.Container.AllowPrivilegeEscalation
	}
	return c
}
