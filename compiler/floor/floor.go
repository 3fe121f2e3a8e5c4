// SPDX-License-Identifier: Apache-2.0

// Package floor knows what a container runtime applies to a container by
// itself: its default seccomp profile (what Kubernetes calls RuntimeDefault), the
// capabilities it gives, and the system calls it makes itself after a filter is
// installed. Generated profiles contain the floor, so that adding a policy never
// weakens a pod.
//
// The data was taken from the runtimes' own code, by asking it; see
// testdata/floor, which also tests that both still agree. It does not cover
// privileged containers: containerd and CRI-O run those without any filter.
package floor

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/opencontainers/runtime-spec/specs-go"
)

//go:embed data
var data embed.FS

// Query says for which container, on which node, a default profile is wanted.
type Query struct {
	Runtime      string              // one of Runtimes
	Version      string              // of the runtime, as in "1.7.27" or "2.1"
	Arch         linux.Arch          // of the node
	Kernel       linux.KernelVersion // of the node
	Capabilities []string            // the container's bounding set, without CAP_
}

// Profile is a runtime's default seccomp profile.
type Profile struct {
	// Seccomp is the profile in the form that the runtime hands to runc or crun.
	// All names in it are known to the runtime's authors, but not necessarily to
	// the node's libseccomp or kernel, which ignore those that they do not know.
	Seccomp specs.LinuxSeccomp
	// Source names the versions of the runtime that have this profile.
	Source string
	// Exact is whether the asked version is known to have this very profile.
	// Otherwise it is the closest one known, and of two that are equally close
	// the one that allows less.
	Exact bool
}

// Runtimes lists the container runtimes that are known.
func Runtimes() []string { return []string{"containerd", "cri-o"} }

// row is a range of versions of a runtime: those from From up to the next row.
type row struct {
	Runtime      string
	From         version
	Verified     []version // first and last version that was asked for Set; absent where none was
	Capabilities []string
	Set          string // file in data
}

// rule is a group of system calls of a profile, and when it is part of it.
type rule struct {
	Arches  []linux.Arch // only there; absent is everywhere
	Kernel  string       // from this kernel on
	With    []string     // with any of these capabilities
	Without []string     // with none of these
	Names   string       // separated by spaces
	Action  specs.LinuxSeccompAction
	Errno   *uint
	Args    []specs.LinuxSeccompArg
}

// Seccomp returns the profile that the runtime gives a container whose
// seccompProfile is of type RuntimeDefault.
func Seccomp(q Query) (Profile, error) {
	if !slices.Contains(linux.NodeArches(), q.Arch) {
		return Profile{}, fmt.Errorf("no default profile for architecture %q", q.Arch)
	}
	for _, name := range q.Capabilities {
		if _, ok := linux.CapabilityByName(name); !ok {
			return Profile{}, fmt.Errorf("unknown capability %q", name)
		}
	}
	r, exact, err := find(q.Runtime, q.Version)
	if err != nil {
		return Profile{}, err
	}
	var set struct {
		DefaultAction specs.LinuxSeccompAction
		DefaultErrno  *uint
		Rules         []rule
	}
	if err := load(r.Set, &set); err != nil {
		return Profile{}, err
	}
	p := Profile{Source: r.source(), Exact: exact}
	p.Seccomp.DefaultAction = set.DefaultAction
	p.Seccomp.DefaultErrnoRet = set.DefaultErrno
	for _, a := range append([]linux.Arch{q.Arch}, q.Arch.SubArches()...) {
		p.Seccomp.Architectures = append(p.Seccomp.Architectures, specs.Arch(a.OCI()))
	}
	for _, rule := range set.Rules {
		holds, err := rule.holds(q)
		if err != nil {
			return Profile{}, err
		}
		if holds {
			p.Seccomp.Syscalls = append(p.Seccomp.Syscalls, specs.LinuxSyscall{
				Names:    strings.Fields(rule.Names),
				Action:   rule.Action,
				ErrnoRet: rule.Errno,
				Args:     rule.Args,
			})
		}
	}
	return p, nil
}

// Capabilities returns what the runtime gives to a container that neither adds
// nor drops any, without CAP_ and by number.
func Capabilities(runtime, version string) ([]string, error) {
	r, _, err := find(runtime, version)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(linux.CapabilityNames(), func(name string) bool { return !slices.Contains(r.Capabilities, name) }), nil
}

func (r rule) holds(q Query) (bool, error) {
	if r.Arches != nil && !slices.Contains(r.Arches, q.Arch) {
		return false, nil
	}
	if r.Kernel != "" {
		from, err := linux.ParseKernelVersion(r.Kernel)
		if err != nil || !q.Kernel.AtLeast(from) {
			return false, err
		}
	}
	has := func(name string) bool { return slices.Contains(q.Capabilities, name) }
	return (r.With == nil || slices.ContainsFunc(r.With, has)) && !slices.ContainsFunc(r.Without, has), nil
}

func (r row) source() string {
	switch {
	case r.Verified == nil:
		return fmt.Sprintf("%s from %s", r.Runtime, r.From)
	case r.Verified[0] == r.Verified[1]:
		return fmt.Sprintf("%s %s", r.Runtime, r.Verified[0])
	}
	return fmt.Sprintf("%s %s to %s", r.Runtime, r.Verified[0], r.Verified[1])
}

// find returns the row of a version, and whether the version is in the range
// that was verified.
func find(runtime, text string) (row, bool, error) {
	if !slices.Contains(Runtimes(), runtime) {
		return row{}, false, fmt.Errorf("unknown container runtime %q: want %s", runtime, strings.Join(Runtimes(), " or "))
	}
	v, err := parseVersion(text)
	if err != nil {
		return row{}, false, err
	}
	var rows []row
	if err := load("index", &rows); err != nil {
		return row{}, false, err
	}
	var found *row
	for i, r := range rows { // in ascending order
		if r.Runtime != runtime {
			continue
		}
		if r.From.compare(v) > 0 {
			if found == nil {
				return row{}, false, fmt.Errorf("%s %s is older than %s, the oldest version that is known", runtime, text, r.From)
			}
			break
		}
		found = &rows[i]
	}
	exact := found.Verified != nil && found.Verified[0].compare(v) <= 0 && (v.compare(found.Verified[1]) <= 0 || v.latestOf(found.Verified[1]))
	return *found, exact, nil
}

func load(name string, into any) error {
	content, err := data.ReadFile("data/" + name + ".json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("data/%s.json: %w", name, err)
	}
	return nil
}
