// SPDX-License-Identifier: Apache-2.0

// Package targets is the table of back-ends: a new one is a folder beside this
// and a line here.
package targets

import (
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/apparmor"
	"github.com/avert-dev/avert/compiler/emit/cilium"
	"github.com/avert-dev/avert/compiler/emit/irtext"
	"github.com/avert-dev/avert/compiler/emit/lsm"
	"github.com/avert-dev/avert/compiler/emit/networkpolicy"
	"github.com/avert-dev/avert/compiler/emit/seccomp"
	"github.com/avert-dev/avert/compiler/emit/securitycontext"
	"github.com/avert-dev/avert/compiler/emit/selinux"
)

// table is sorted by name.
var table = []*emit.Target{
	&apparmor.Target,
	&cilium.Target,
	&irtext.Target,
	&lsm.Target,
	&networkpolicy.Target,
	&seccomp.Target,
	&securitycontext.Target,
	&selinux.Target,
}

// All returns every target, sorted by name.
func All() []*emit.Target { return table }

// Names returns the names of every target, sorted.
func Names() []string {
	out := make([]string, len(table))
	for i, t := range table {
		out[i] = t.Name
	}
	return out
}

// Find returns the target of a name, or nil.
func Find(name string) *emit.Target {
	for _, t := range table {
		if t.Name == name {
			return t
		}
	}
	return nil
}
