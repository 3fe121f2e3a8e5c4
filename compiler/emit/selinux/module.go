// SPDX-License-Identifier: Apache-2.0

package selinux

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// statement is a kind of access vector rule, in the order in which a module has
// them.
type statement uint8

const (
	allow statement = iota
	deny
	dontaudit
	auditallow
)

func (s statement) String() string { return [...]string{"allow", "deny", "dontaudit", "auditallow"}[s] }

// The targets of rules: the container's own type, all types, all but its own.
const (
	self    = "self"
	anyType = "any_type"
	notself = "notself"
)

// access is what SELinux asks for when a process does something.
type access struct {
	target, class string
	permissions   []string
}

// module is a block with the type `process`.
type module struct {
	block string
	// rules holds permissions by kind, target and class.
	rules map[vector]map[string]bool
}

type vector struct {
	kind          statement
	target, class string
}

func (m *module) add(kind statement, accesses []access) {
	for _, a := range accesses {
		v := vector{kind, a.target, a.class}
		if m.rules[v] == nil {
			m.rules[v] = map[string]bool{}
		}
		for _, p := range a.permissions {
			m.rules[v][p] = true
		}
	}
}

// text writes the module. All names in it are of the tables of this package, but
// for the block's, which has no character with a meaning in CIL.
func (m *module) text() []byte {
	vectors := slices.SortedFunc(maps.Keys(m.rules), func(a, b vector) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.target, b.target), cmp.Compare(a.class, b.class))
	})
	var b bytes.Buffer
	fmt.Fprintf(&b, "(block %s\n", m.block)
	b.WriteString("    (blockinherit container)\n    (blockinherit net_container)\n")
	if slices.ContainsFunc(vectors, func(v vector) bool { return v.target == anyType }) {
		fmt.Fprintf(&b, "    (typeattribute %s)\n    (typeattributeset %s (all))\n", anyType, anyType)
	}
	for _, v := range vectors {
		permissions := strings.Join(slices.Sorted(maps.Keys(m.rules[v])), " ")
		fmt.Fprintf(&b, "    (%s process %s (%s (%s)))\n", v.kind, v.target, v.class, permissions)
	}
	b.WriteString(")\n")
	return b.Bytes()
}

// moduleOf says what the unit's container may do.
func moduleOf(u *ir.Unit, pool *platform.Pool, block string, given []string) *module {
	m := &module{block: block, rules: map[vector]map[string]bool{}}
	m.capabilities(u, given)
	if emit.SELinuxDenies(pool) {
		m.sockets(u.Enforced.Network)
		m.operations(u.Enforced.System, pool.Kernel)
		return m
	}
	maps.DeleteFunc(m.rules, func(v vector, _ map[string]bool) bool { return v.kind == deny || v.kind == dontaudit })
	return m
}

// decide writes down what rules say about one thing that a process does.
func (m *module) decide(accesses []access, v verdict) {
	switch {
	case v.blocked:
		m.add(deny, accesses)
		if v.quiet {
			m.add(dontaudit, accesses)
		}
	case v.audited:
		m.add(auditallow, accesses)
	}
}

// capabilities allows what the container has without the policy and the policy
// does not block. The container's block may leave it to booleans, while the type
// that the runtime would take otherwise has the usual ones.
func (m *module) capabilities(u *ir.Unit, given []string) {
	granted := emit.Granted(u.Container, given)
	table := u.Enforced.Capabilities
	for _, c := range linux.CapabilityNames() {
		accesses := capability(c)
		if table == nil {
			// What a pod adds is lifted above the floor only by a policy that speaks of it.
			if slices.Contains(granted, c) && slices.Contains(given, c) {
				m.add(allow, accesses)
			}
			continue
		}
		v := maskVerdict(table, ir.CapabilityBit(c))
		if !v.blocked && slices.Contains(granted, c) {
			m.add(allow, accesses)
		}
		m.decide(accesses, v)
	}
}

func (m *module) sockets(t *ir.NetworkTable) {
	if t == nil {
		return
	}
	for _, c := range socketClasses {
		var about []ruleOf
		for i := range t.Rules {
			if r := &t.Rules[i]; r.BySocket() && c.within(r.Families, r.Types) {
				about = append(about, ruleOf{r.Rule, r.Cond == ir.Always})
			}
		}
		m.decide(c.accesses(), judge(about, policy.Allow))
	}
}

func (m *module) operations(t *ir.MaskTable, kernel linux.KernelVersion) {
	if t == nil {
		return
	}
	for o, e := range operations {
		v := maskVerdict(t, 1<<o)
		v.audited = v.audited && e.missed == ""
		if kernel.AtLeast(e.since) {
			m.decide(e.accesses, v)
		}
	}
}
