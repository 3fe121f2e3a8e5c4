// SPDX-License-Identifier: Apache-2.0

package seccomp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

// mostLists bounds the argument lists of a profile. The kernel takes filters of
// at most 4,096 instructions (BPF_MAXINSNS); default profiles for five
// architectures have about 1,700, and a list costs up to five.
const mostLists = 400

// builder makes the profile of one unit.
type builder struct {
	unit *ir.Unit
	pool *platform.Pool
	base *base
	// floor says whether the runtime's default profile is part of the profile.
	floor bool
	// variants maps the 32-bit variants of calls that rules speak of to these.
	variants map[string]string
	// lists counts the argument lists so far, and complex names the calls whose
	// conditions do not fit a filter.
	lists   int
	complex []string
}

func newBuilder(u *ir.Unit, pool *platform.Pool, b *base) *builder {
	table := u.Enforced.Syscalls
	return &builder{unit: u, pool: pool, base: b, floor: table == nil || table.RuntimeDefault, variants: map[string]string{}}
}

// profile decides every system call that anybody mentions; the others share
// the default action. What only the floor speaks of is the same for all units
// with the same defaults, and is decided once.
func (b *builder) profile() *specs.LinuxSeccomp {
	out := &specs.LinuxSeccomp{Architectures: architectures(b.pool)}
	rest := b.call("")
	usual := b.base.rest // outside the floor
	if len(rest.regions) > 0 {
		usual = rest.regions[0].outcome
	}
	out.DefaultAction = usual.action
	if usual.action == specs.ActErrno {
		out.DefaultErrnoRet = &usual.errno
	}
	touched := b.touched()
	groups := grouping{}
	for _, e := range b.untouched(usual) {
		names := slices.DeleteFunc(slices.Clone(e.Names), func(name string) bool { return touched[name] })
		groups.add(e, names...)
	}
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		for _, e := range b.entries(b.call(name), usual) {
			groups.add(e, name)
		}
	}
	out.Syscalls = groups.sorted()
	return out
}

// grouping collects the names of equal rules.
type grouping map[string]*specs.LinuxSyscall

func (g grouping) add(e specs.LinuxSyscall, names ...string) {
	if len(names) == 0 {
		return
	}
	key := fmt.Sprint(e.Action, errnoOf(e), e.Args)
	if g[key] == nil {
		e.Names = nil
		g[key] = &e
	}
	g[key].Names = append(g[key].Names, names...)
}

func (g grouping) sorted() []specs.LinuxSyscall {
	var out []specs.LinuxSyscall
	for _, e := range g {
		slices.Sort(e.Names)
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b specs.LinuxSyscall) int {
		return cmp.Or(cmp.Compare(a.Names[0], b.Names[0]), cmp.Compare(a.Action, b.Action), cmp.Compare(errnoOf(a), errnoOf(b)), cmp.Compare(fmt.Sprint(a.Args), fmt.Sprint(b.Args)))
	})
	return out
}

// untouched returns the rules about calls that no rule of the unit is about.
func (b *builder) untouched(usual outcome) []specs.LinuxSyscall {
	blank := &ir.Unit{Enforced: withoutRules(b.unit.Enforced)}
	key := fmt.Sprint(b.logs(), usual, blank.Enforced.Syscalls)
	needed := b.floor
	for _, l := range b.unit.Audits {
		l = withoutRules(l)
		blank.Audits = append(blank.Audits, l)
		key += fmt.Sprint(l.Syscalls)
		needed = needed || l.Syscalls != nil && l.Syscalls.RuntimeDefault
	}
	if !needed {
		return nil
	}
	rules, ok := b.base.untouched[key]
	if !ok {
		groups := grouping{}
		blanked := newBuilder(blank, b.pool, b.base)
		for name, f := range b.base.calls {
			for _, e := range blanked.untouchedCall(name, f, usual) {
				groups.add(e, name)
			}
		}
		rules = groups.sorted()
		b.base.untouched[key] = rules
	}
	return rules
}

// untouchedCall returns the rules about a call that only the floor speaks of: on
// the floor the runtime's own, which libseccomp is known to get right.
func (b *builder) untouchedCall(name string, f *floorCall, usual outcome) []specs.LinuxSyscall {
	if !b.floor {
		return b.entries(b.call(name), usual)
	}
	pass := allowed
	for _, l := range b.unit.Audits {
		if l.Syscalls != nil && !l.Syscalls.RuntimeDefault && l.Syscalls.Default.Action != policy.Allow && b.logs() {
			pass = logged
		}
	}
	var out []specs.LinuxSyscall
	for _, e := range f.entries {
		if e.Action == specs.ActAllow {
			e.Action = pass.action
		}
		out = append(out, e)
	}
	return out
}

// withoutRules keeps of a layer what it says about calls in general.
func withoutRules(l *ir.Layer) *ir.Layer {
	if l.Syscalls == nil {
		return &ir.Layer{}
	}
	return &ir.Layer{Syscalls: &ir.SyscallTable{Default: ir.Default{Action: l.Syscalls.Default.Action}, RuntimeDefault: l.Syscalls.RuntimeDefault}}
}

func errnoOf(s specs.LinuxSyscall) uint {
	if s.ErrnoRet == nil {
		return 0
	}
	return *s.ErrnoRet
}

// call decides one system call completely. The empty name stands for all that
// nobody mentions.
func (b *builder) call(name string) *call {
	c := newCall(name, b.variants[name])
	var f *floorCall
	if name != "" {
		f = b.base.calls[name]
	}
	enforced := b.unit.Enforced
	c.blockSystem(enforced.System)
	c.block(enforced)
	if b.floor {
		c.within(f)
	}
	c.judge(enforced, f)
	for _, l := range b.unit.Audits {
		c.watch(l, f)
	}
	c.add(c.open, allowed)
	c.open = nil
	if !b.logs() {
		for i := range c.regions {
			if c.regions[i].outcome == logged {
				c.regions[i].outcome = allowed
			}
		}
	}
	return c
}

// logs says whether the kernel knows SECCOMP_RET_LOG (4.14).
func (b *builder) logs() bool { return b.pool.Kernel.AtLeast(linux.KernelVersion{Major: 4, Minor: 14}) }

// entries returns the rules of one call, but for what the default does anyway.
// Rules without conditions would replace those with conditions, so there is
// either one without or only some with.
func (b *builder) entries(c *call, usual outcome) []specs.LinuxSyscall {
	for _, plain := range []bool{true, false} {
		if out, ok := c.rules(usual, plain, mostLists-b.lists); ok && !upperHalf(out) && compilable(out) {
			b.lists += len(out)
			return out
		}
	}
	b.complex = append(b.complex, c.name)
	return []specs.LinuxSyscall{entry(refused(eperm), nil)}
}

func (c *call) rules(usual outcome, plain bool, most int) (out []specs.LinuxSyscall, ok bool) {
	for _, r := range c.regions {
		if r.outcome == usual {
			continue
		}
		for _, x := range r.boxes {
			lists, ok := x.conditions(plain, most)
			if !ok || len(out)+len(lists) > most {
				return nil, false
			}
			for _, args := range lists {
				out = append(out, entry(r.outcome, args))
			}
		}
	}
	return out, true
}

// upperHalf says whether a rule wants something of the upper 32 bits but that they
// are 0, or nothing of the lower ones. For 32-bit programs libseccomp passes over
// the upper part of a condition, so that the rule would match what it is not
// about, and a condition on the upper part alone it loses beside other rules.
func upperHalf(rules []specs.LinuxSyscall) bool {
	return slices.ContainsFunc(rules, func(r specs.LinuxSyscall) bool {
		return slices.ContainsFunc(r.Args, func(a specs.LinuxSeccompArg) bool {
			if a.Op == specs.OpMaskedEqual {
				return a.ValueTwo>>32 != 0 || uint32(a.Value) == 0
			}
			return a.Value>>32 != 0
		})
	})
}

// compilable says whether libseccomp makes of a call's rules what they say.
// Version 2.5 does when there is one rule, when all conditions are masks of the
// lower 32 bits, or when every rule has one condition, on a number of 32 bits; with
// other mixtures it may lose rules or not end.
func compilable(rules []specs.LinuxSyscall) bool {
	if len(rules) <= 1 {
		return true
	}
	masks, single := true, true
	for _, r := range rules {
		single = single && len(r.Args) == 1
		for _, a := range r.Args {
			masks = masks && a.Op == specs.OpMaskedEqual && a.Value>>32 == 0
			single = single && a.Value < 1<<32
		}
	}
	return masks || single
}

func entry(o outcome, args []specs.LinuxSeccompArg) specs.LinuxSyscall {
	e := specs.LinuxSyscall{Action: o.action, Args: args}
	if o.action == specs.ActErrno {
		e.ErrnoRet = &o.errno
	}
	return e
}

// touched returns the names that rules speak of, and notes variants.
func (b *builder) touched() map[string]bool {
	names := map[string]bool{}
	for _, l := range append([]*ir.Layer{b.unit.Enforced}, b.unit.Audits...) {
		if l.Syscalls != nil {
			for name := range l.Syscalls.Calls {
				names[name] = true
				for _, v := range variants()[name] {
					names[v] = true
					b.variants[v] = name
				}
			}
			for name, parts := range multiplexed {
				if slices.ContainsFunc(parts, func(part string) bool { return l.Syscalls.Calls[part] != nil }) {
					names[name] = true
				}
			}
		}
		if l.System != nil {
			for name, parts := range systemCalls {
				if slices.ContainsFunc(parts, func(p systemPart) bool { return l.System.BlocksEverybody(1 << p.operation) }) {
					names[name] = true
				}
			}
		}
	}
	return names
}

// architectures lists those of the pool with their sub-architectures: a call
// through another architecture's table kills the process, as runtimes do.
func architectures(pool *platform.Pool) []specs.Arch {
	var out []specs.Arch
	for _, a := range pool.Architectures {
		out = append(out, specs.Arch(a.OCI()))
		for _, sub := range a.SubArches() {
			out = append(out, specs.Arch(sub.OCI()))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// encode writes the profile as JSON.
func encode(p *specs.LinuxSeccomp) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		panic(err) // plain values always encode
	}
	return b.Bytes()
}
