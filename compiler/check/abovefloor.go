// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// floors knows what the pools' container runtimes deny by default.
type floors struct {
	pools    []*platform.Pool
	profiles map[string][]*specs.LinuxSeccomp // by capabilities
}

// aboveFloor reports Allow and Audit rules of calls that the floor denies in
// every container of the policy, on every pool.
func (f *floors) aboveFloor(p *policy.Policy, selected []*policy.Workload, list *diag.List) {
	if p.Syscalls == nil || p.Syscalls.BaseNone {
		return
	}
	var profiles []*specs.LinuxSeccomp
	for i := range p.Syscalls.Rules {
		r := &p.Syscalls.Rules[i]
		if r.Action == policy.Block {
			continue
		}
		if profiles == nil {
			capabilities, confined := mostCapabilities(p, selected)
			if !confined {
				return
			}
			if profiles = f.of(capabilities); profiles == nil {
				return
			}
		}
		for _, n := range r.Names {
			if !slices.ContainsFunc(profiles, func(profile *specs.LinuxSeccomp) bool { return mayAllow(profile, n.Text, r.Args) }) {
				list.Report(diag.AboveFloor, n.Span, fmt.Sprintf("rule %s has no effect on %s: the runtime's default profile denies the call, and stays in force", r.ID(), n.Text),
					diag.Hint("base: None drops the default profile of the runtime"))
			}
		}
	}
}

// mostCapabilities returns the capabilities that any container of the policy may
// have: all of them when no workloads say. Privileged containers run without a
// floor.
func mostCapabilities(p *policy.Policy, selected []*policy.Workload) (capabilities []string, confined bool) {
	if len(selected) == 0 {
		return linux.CapabilityNames(), true
	}
	for _, w := range selected {
		for _, c := range w.Containers {
			switch {
			case len(p.Containers) > 0 && !slices.Contains(p.Containers, c.Name):
			case c.Privileged:
				return nil, false
			case slices.Contains(c.AddCapabilities, "ALL"):
				return linux.CapabilityNames(), true
			default:
				capabilities = append(capabilities, c.AddCapabilities...)
			}
		}
	}
	capabilities = slices.DeleteFunc(capabilities, func(name string) bool { return !isCapability(name) })
	slices.Sort(capabilities)
	return slices.Compact(capabilities), true
}

// of returns the default profiles of all pools and architectures for containers
// with capabilities besides those that the runtime gives; nil when one of them
// is not known.
func (f *floors) of(capabilities []string) []*specs.LinuxSeccomp {
	key := strings.Join(capabilities, ",")
	if known, ok := f.profiles[key]; ok {
		return known
	}
	var all []*specs.LinuxSeccomp
	complete := true
	for _, pool := range f.pools {
		runtime, version := pool.Runtime.Name, pool.Runtime.Version.String()
		given, err := floor.Capabilities(runtime, version)
		complete = complete && err == nil
		for _, arch := range pool.Architectures {
			profile, err := floor.Seccomp(floor.Query{Runtime: runtime, Version: version, Arch: arch, Kernel: pool.Kernel, Capabilities: slices.Concat(given, capabilities)})
			complete = complete && err == nil
			all = append(all, &profile.Seccomp)
		}
	}
	if !complete {
		all = nil
	}
	f.profiles[key] = all
	return all
}

// mayAllow is false only when a profile certainly denies a call under the
// conditions: it never allows the name, or the conditions say all that the
// profile asks.
func mayAllow(profile *specs.LinuxSeccomp, name string, conditions []policy.Arg) bool {
	var args [6]uint64
	var pinned [6]bool
	for _, c := range conditions {
		if c.Op == policy.ArgEqual {
			args[c.Index], pinned[c.Index] = c.Value, true
		}
	}
	allowed, decided := false, true
	for _, rule := range profile.Syscalls {
		if slices.Contains(rule.Names, name) {
			allowed = allowed || rule.Action == specs.ActAllow || rule.Action == specs.ActLog
			for _, a := range rule.Args {
				decided = decided && pinned[a.Index]
			}
		}
	}
	if !allowed || !decided {
		return allowed
	}
	verdict, err := floor.Decide(profile, name, args)
	return err != nil || verdict.Allows()
}
