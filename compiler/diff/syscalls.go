// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"maps"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/floor"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
)

// Floor is the default profile of a container runtime on one architecture: the
// base of system calls.
type Floor struct {
	Arch    linux.Arch
	Profile *specs.LinuxSeccomp
}

// Allows says whether the profile allows a call. Where its rules contradict each
// other it does not.
func (f Floor) Allows(call policy.SyscallCall) bool {
	v, err := floor.Decide(f.Profile, call.Name, call.Args)
	return err == nil && v.Allows()
}

// conditions returns those on the arguments of a call.
func (f Floor) conditions(call string) []policy.Arg {
	var out []policy.Arg
	ops := map[specs.LinuxSeccompOperator]policy.ArgOp{
		specs.OpEqualTo: policy.ArgEqual, specs.OpNotEqual: policy.ArgNotEqual, specs.OpLessThan: policy.ArgLess, specs.OpLessEqual: policy.ArgLessEqual,
		specs.OpGreaterThan: policy.ArgGreater, specs.OpGreaterEqual: policy.ArgGreaterEqual, specs.OpMaskedEqual: policy.ArgMaskedEqual,
	}
	for _, rule := range f.Profile.Syscalls {
		if !slices.Contains(rule.Names, call) {
			continue
		}
		for _, a := range rule.Args {
			c := policy.Arg{Index: int(a.Index), Op: ops[a.Op], Value: a.Value}
			if a.Op == specs.OpMaskedEqual {
				c.Mask, c.Value = a.Value, a.ValueTwo
			}
			out = append(out, c)
		}
	}
	return out
}

// syscalls compares system calls, on each architecture by itself.
func (c *comparison) syscalls() error {
	old, new := c.layers[0].Syscalls, c.layers[1].Syscalls
	if old == nil && new == nil {
		return nil
	}
	for _, f := range c.floors {
		names := map[string]bool{}
		for _, t := range []*ir.SyscallTable{old, new} {
			if t != nil {
				for name := range t.Calls {
					names[name] = true
				}
			}
		}
		if !sameFallback(old, new) {
			for _, name := range linux.SyscallNames(f.Arch) {
				names[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if _, ok := linux.Syscall(f.Arch, name); !ok {
				continue
			}
			if err := c.call(f, name); err != nil {
				return fmt.Errorf("system call %s: %w", name, err)
			}
		}
	}
	return nil
}

// sameFallback says whether calls without rules are decided alike, whatever the
// base.
func sameFallback(a, b *ir.SyscallTable) bool {
	return a != nil && b != nil && a.RuntimeDefault == b.RuntimeDefault && a.Default.Action == b.Default.Action
}

// call compares one system call: for each way in which conditions on its
// arguments can hold together.
func (c *comparison) call(f Floor, name string) error {
	var conditions [6][]policy.Arg
	add := func(args []policy.Arg) {
		for _, a := range args {
			if !slices.Contains(conditions[a.Index], a) {
				conditions[a.Index] = append(conditions[a.Index], a)
			}
		}
	}
	for _, l := range c.layers {
		if keepsFloor(l.Syscalls) {
			add(f.conditions(name))
		}
		if l.Syscalls == nil {
			continue
		}
		if said := l.Syscalls.Calls[name]; said != nil {
			for _, k := range said.Cases {
				add(k.Args)
			}
		}
	}
	op := policy.Operation{Kind: policy.OpSyscall, Syscall: policy.SyscallCall{Arch: string(f.Arch), Name: name}}
	calls := [][6]uint64{{}}
	for i, cs := range conditions {
		values, err := valuesOf(cs, linux.ArgBits(name, i))
		if err != nil {
			return err
		}
		var next [][6]uint64
		for _, call := range calls {
			for _, v := range values {
				call[i] = v
				next = append(next, call)
			}
		}
		if calls = next; len(calls) > maxCells {
			return automata.ErrBudget
		}
	}
	var found []Change
	for _, args := range calls {
		op.Syscall.Args = args
		ch := Change{Section: policy.Syscalls, Witness: op}
		ch.Before, ch.After = c.effective(f, op)
		var ok bool
		if ch.Kind, ok = kindOf(ch.Before, ch.After); ok && !slices.ContainsFunc(found, func(o Change) bool { return o.Before == ch.Before && o.After == ch.After }) {
			found = append(found, ch)
		}
	}
	for _, ch := range found {
		ch.Whole = len(found) == 1 && c.whole(f, op, calls)
		c.addCall(ch, name)
	}
	return nil
}

// effective decides a call as a container meets it: the floor stays in force
// beneath the policies unless they give it up, so a rule that allows more than the
// floor has no effect.
func (c *comparison) effective(f Floor, op policy.Operation) (before, after policy.Verdict) {
	before, after = c.decide(op, f.Allows)
	for side, v := range []*policy.Verdict{&before, &after} {
		if keepsFloor(c.layers[side].Syscalls) && v.Action != policy.Block && !f.Allows(op.Syscall) {
			*v = policy.Verdict{Action: policy.Block, Errno: eperm, Rule: policy.RuleRef{Rule: BaseRule}}
		}
	}
	return before, after
}

// BaseRule names the floor in a verdict.
const BaseRule = "syscalls/base"

var eperm, _ = linux.Errno("EPERM")

func keepsFloor(t *ir.SyscallTable) bool { return t == nil || t.RuntimeDefault }

// whole says whether a call changes whatever its arguments are.
func (c *comparison) whole(f Floor, op policy.Operation, calls [][6]uint64) bool {
	for _, args := range calls {
		op.Syscall.Args = args
		if before, after := c.effective(f, op); plain(before) == plain(after) {
			return false
		}
	}
	return true
}

// addCall adds a change, or its name to another that only differs in it.
func (c *comparison) addCall(ch Change, name string) {
	for i := range c.changes {
		o := &c.changes[i]
		if o.Section == ch.Section && o.Before == ch.Before && o.After == ch.After && o.Whole == ch.Whole {
			if name != o.Witness.Syscall.Name && !slices.Contains(o.Others, name) {
				o.Others = append(o.Others, name)
			}
			return
		}
	}
	c.changes = append(c.changes, ch)
}
