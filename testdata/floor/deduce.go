// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Set is a file of compiler/floor/data: everything that a default profile
// can be, with the conditions under which it is so.
type Set struct {
	DefaultAction specs.LinuxSeccompAction `json:"defaultAction"`
	DefaultErrno  *uint                    `json:"defaultErrno,omitempty"`
	Rules         []Rule                   `json:"rules"`
}

// Rule is a group of system calls of a profile and when it is part of it.
type Rule struct {
	Arches  []linux.Arch             `json:"arches,omitempty"`  // only there; absent is everywhere
	Kernel  string                   `json:"kernel,omitempty"`  // from this kernel on
	With    []string                 `json:"with,omitempty"`    // with any of these capabilities
	Without []string                 `json:"without,omitempty"` // with none of these
	Names   string                   `json:"names"`             // separated by spaces
	Action  specs.LinuxSeccompAction `json:"action"`
	Errno   *uint                    `json:"errno,omitempty"`
	Args    []specs.LinuxSeccompArg  `json:"args,omitempty"`
}

// condition is when a rule is part of the profile on one architecture and
// kernel.
type condition struct{ with, without []string }

// Deduce finds what a profile depends on by asking for it: with each single
// capability, on each architecture, on kernels of each series. It fails where the
// answers do not fit the form of Rule; that they do for several capabilities at
// once is for the caller to check.
func (p *Probe) Deduce() (*Set, error) {
	set := &Set{}
	var keys []string
	rules := map[string]*Rule{}
	for _, arch := range linux.NodeArches() {
		kernels, err := p.changes(arch)
		if err != nil {
			return nil, err
		}
		previous := map[string]condition{}
		for i, kernel := range kernels {
			order, conditions, err := p.conditions(arch, kernel, set)
			if err != nil {
				return nil, err
			}
			for key := range previous {
				if _, ok := conditions[key]; !ok {
					return nil, fmt.Errorf("%s: a rule ends with kernel %s: %s", arch, kernel, key)
				}
			}
			for _, key := range order {
				c := conditions[key]
				if old, ok := previous[key]; ok {
					if !slices.Equal(old.with, c.with) || !slices.Equal(old.without, c.without) {
						return nil, fmt.Errorf("%s: a rule's capabilities change with kernel %s: %s", arch, kernel, key)
					}
					continue
				}
				rule, err := newRule(key, arch, c)
				if err != nil {
					return nil, err
				}
				if i > 0 {
					rule.Kernel = kernel
				}
				full := fmt.Sprintf("%s %v %s", key, c, rule.Kernel)
				if known, ok := rules[full]; ok {
					known.Arches = append(known.Arches, arch)
				} else {
					rules[full] = rule
					keys = append(keys, full)
				}
			}
			previous = conditions
		}
	}
	for _, key := range keys {
		rule := rules[key]
		if len(rule.Arches) == len(linux.NodeArches()) {
			rule.Arches = nil
		}
		set.Rules = append(set.Rules, *rule)
	}
	return set, nil
}

// changes returns the kernels, of one of each series, on which the profile
// differs from that of the series before; the oldest one that can filter comes
// first.
func (p *Probe) changes(arch linux.Arch) ([]string, error) {
	var kernels []string
	last := ""
	for _, series := range []struct{ major, first, last int }{{3, 5, 19}, {4, 0, 20}, {5, 0, 19}, {6, 0, 19}, {7, 0, 9}} {
		for minor := series.first; minor <= series.last; minor++ {
			kernel := fmt.Sprintf("%d.%d", series.major, minor)
			profiles, err := p.Profiles(arch, kernel+".0", [][]string{nil, linux.CapabilityNames()})
			if err != nil {
				return nil, err
			}
			text, err := json.Marshal(profiles)
			if err != nil {
				return nil, err
			}
			if string(text) != last {
				kernels, last = append(kernels, kernel), string(text)
			}
		}
	}
	return kernels, nil
}

// conditions returns the rules of all profiles with at most one capability, in
// the order in which they appear, and when each of them is there.
func (p *Probe) conditions(arch linux.Arch, kernel string, set *Set) (order []string, conditions map[string]condition, err error) {
	names := linux.CapabilityNames()
	sets := [][]string{nil}
	for _, name := range names {
		sets = append(sets, []string{name})
	}
	profiles, err := p.Profiles(arch, kernel+".0", sets)
	if err != nil {
		return nil, nil, err
	}
	present := map[string]map[string]bool{} // rule, capability or "" for none
	for i, profile := range profiles {
		if err := set.sameFrame(arch, profile); err != nil {
			return nil, nil, err
		}
		capability := ""
		if i > 0 {
			capability = names[i-1]
		}
		for _, call := range profile.Syscalls {
			key, err := ruleKey(call)
			if err != nil {
				return nil, nil, err
			}
			if present[key] == nil {
				present[key] = map[string]bool{}
				order = append(order, key)
			}
			present[key][capability] = true
		}
	}
	conditions = map[string]condition{}
	for key, there := range present {
		var c condition
		for _, name := range names {
			switch {
			case there[""] && !there[name]:
				c.without = append(c.without, name)
			case !there[""] && there[name]:
				c.with = append(c.with, name)
			}
		}
		conditions[key] = c
	}
	return order, conditions, nil
}

// sameFrame takes over, or compares, what is outside of the rules.
func (s *Set) sameFrame(arch linux.Arch, profile *specs.LinuxSeccomp) error {
	if s.DefaultAction == "" {
		s.DefaultAction, s.DefaultErrno = profile.DefaultAction, profile.DefaultErrnoRet
	}
	if profile.DefaultAction != s.DefaultAction || !equal(profile.DefaultErrnoRet, s.DefaultErrno) {
		return fmt.Errorf("the default action changes to %s", profile.DefaultAction)
	}
	var want, got []string
	for _, a := range append([]linux.Arch{arch}, arch.SubArches()...) {
		want = append(want, a.OCI())
	}
	for _, a := range profile.Architectures {
		got = append(got, string(a))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		return fmt.Errorf("the profile covers %v, want %v", got, want)
	}
	if len(profile.Flags) > 0 || profile.ListenerPath != "" {
		return fmt.Errorf("the profile has flags or a listener")
	}
	return nil
}

func equal(a, b *uint) bool { return a == b || a != nil && b != nil && *a == *b }

// ruleKey is the rule as text, by which rules are compared.
func ruleKey(call specs.LinuxSyscall) (string, error) {
	call.Names = slices.Compact(slices.Sorted(slices.Values(call.Names)))
	if len(call.Args) == 0 {
		call.Args = nil
	}
	key, err := json.Marshal(call)
	return string(key), err
}

func newRule(key string, arch linux.Arch, c condition) (*Rule, error) {
	var call specs.LinuxSyscall
	if err := json.Unmarshal([]byte(key), &call); err != nil {
		return nil, err
	}
	return &Rule{
		Arches:  []linux.Arch{arch},
		With:    c.with,
		Without: c.without,
		Names:   strings.Join(call.Names, " "),
		Action:  call.Action,
		Errno:   call.ErrnoRet,
		Args:    call.Args,
	}, nil
}
