// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// outcome is what the filter does.
type outcome struct {
	action specs.LinuxSeccompAction
	errno  uint // of ActErrno
}

var (
	allowed = outcome{action: specs.ActAllow}
	logged  = outcome{action: specs.ActLog}
)

func refused(errno int) outcome { return outcome{specs.ActErrno, uint(errno)} }

// region is a set of argument vectors with one outcome.
type region struct {
	outcome outcome
	boxes   []box
}

// call works out one system call: what is decided, and what is still open.
type call struct {
	name string
	// base is the call of 64-bit architectures that name is a variant of, or "".
	base    string
	open    []box
	regions []region
}

func newCall(name, base string) *call { return &call{name: name, base: base, open: []box{boxOf(name)}} }

// settle decides the open vectors in which all conditions hold.
func (c *call) settle(args []policy.Arg, o outcome) {
	in, out := split(c.open, args)
	c.open = out
	c.add(in, o)
}

func (c *call) add(boxes []box, o outcome) {
	if len(boxes) == 0 {
		return
	}
	i := slices.IndexFunc(c.regions, func(r region) bool { return r.outcome == o })
	if i < 0 {
		i = len(c.regions)
		c.regions = append(c.regions, region{outcome: o})
	}
	c.regions[i].boxes = append(c.regions[i].boxes, boxes...)
}

// cases returns those of a layer about the call, of one action, and those about
// what the call is a variant of.
func (c *call) cases(l *ir.Layer, action policy.Action, quiet bool) []ir.CallCase {
	if l.Syscalls == nil {
		return nil
	}
	var out []ir.CallCase
	about := func(name string, as func(ir.CallCase) (ir.CallCase, bool)) {
		if said := l.Syscalls.Calls[name]; said != nil && name != "" {
			for _, k := range said.Cases {
				if k, ok := as(k); ok && k.Rule.Action == action && k.Rule.Quiet == quiet {
					out = append(out, k)
				}
			}
		}
	}
	same := func(k ir.CallCase) (ir.CallCase, bool) { return k, true }
	about(c.name, same)
	about(c.base, same)
	for _, part := range multiplexed[c.name] {
		about(part, func(k ir.CallCase) (ir.CallCase, bool) {
			if parts := len(multiplexed[c.name]); parts > 1 || len(k.Args) > 0 {
				k.Args, k.Errno = nil, enosys
				return k, action == policy.Block
			}
			return k, true
		})
	}
	return out
}

// block settles what the layer's Block rules refuse. Of two that refuse one
// vector the first that is reported gives the errno, else the first.
func (c *call) block(l *ir.Layer) {
	for _, quiet := range []bool{false, true} {
		for _, k := range c.cases(l, policy.Block, quiet) {
			c.settle(k.Args, refused(k.Errno))
		}
	}
}

// blockSystem settles what `system` refuses.
func (c *call) blockSystem(t *ir.MaskTable) {
	if t == nil {
		return
	}
	for _, p := range systemCalls[c.name] {
		if t.BlocksEverybody(1 << p.operation) {
			c.settle(p.args, refused(p.errno))
		}
	}
}

// within leaves open only what the floor allows, and settles what the floor
// answers in its own way. The rest is the profile's default.
func (c *call) within(f *floorCall) {
	if f == nil {
		c.open = nil
		return
	}
	for _, r := range f.refuses {
		c.settle(r.args, r.outcome)
	}
	c.open, _ = f.allows(c.open)
}

// judge settles the rest by a layer whose Blocks were settled before: what it
// audits is logged, what it allows stays open for the next layer, and its
// default of Block is refused.
func (c *call) judge(l *ir.Layer, f *floorCall) {
	if l.Syscalls == nil {
		return
	}
	for _, k := range c.cases(l, policy.Audit, false) {
		c.settle(k.Args, logged)
	}
	keep, rest := c.pass(l, f)
	switch l.Syscalls.Default.Action {
	case policy.Allow:
		c.open = append(keep, rest...)
	case policy.Audit:
		c.add(rest, logged)
		c.open = keep
	default:
		c.add(rest, refused(int(errnoPerm)))
		c.open = keep
	}
}

// pass separates the open vectors that rules or the base allow.
func (c *call) pass(l *ir.Layer, f *floorCall) (keep, rest []box) {
	rest = c.open
	for _, k := range c.cases(l, policy.Allow, false) {
		in, out := split(rest, k.Args)
		keep, rest = append(keep, in...), out
	}
	if l.Syscalls.RuntimeDefault && f != nil {
		in, out := f.allows(rest)
		keep, rest = append(keep, in...), out
	}
	return keep, rest
}

// watch settles as logged what a layer in mode Audit would report, and leaves
// open the rest.
func (c *call) watch(l *ir.Layer, f *floorCall) {
	var silent []box
	if l.System != nil {
		for _, p := range systemCalls[c.name] {
			// What is refused for want of a look into memory says nothing.
			if p.errno != enosys && l.System.BlocksEverybody(1<<p.operation) {
				c.settle(p.args, logged)
			}
		}
	}
	if l.Syscalls == nil {
		return
	}
	for _, k := range c.cases(l, policy.Block, false) {
		c.settle(k.Args, logged)
	}
	for _, k := range c.cases(l, policy.Block, true) {
		in, out := split(c.open, k.Args)
		silent, c.open = append(silent, in...), out
	}
	for _, k := range c.cases(l, policy.Audit, false) {
		c.settle(k.Args, logged)
	}
	keep, rest := c.pass(l, f)
	if l.Syscalls.Default.Action == policy.Allow {
		keep = append(keep, rest...)
	} else {
		c.add(rest, logged)
	}
	c.open = append(silent, keep...)
}

// errnoPerm is what defaults answer.
var errnoPerm, _ = linux.Errno("EPERM")
