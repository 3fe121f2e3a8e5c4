// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

func (c *checker) syscalls(s *syntax.SyscallSection, known map[string]diag.Span) *policy.SyscallSection {
	out := &policy.SyscallSection{Default: actions[s.Default.Value], DefaultSpan: s.Default.Span, BaseNone: s.Base.Value == "None", BaseSpan: s.Base.Span}
	if !s.Base.Given() {
		out.BaseSpan = s.Place
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		rule := policy.SyscallRule{Rule: c.rule(policy.Syscalls, &r.RuleHead, nil, known), Args: c.args(r.Args)}
		rule.Names = c.words(r.Names, diag.UnknownSyscall, "there is no system call", isSyscall, allSyscalls)
		if rule.Action == policy.Block {
			rule.Errno, _ = linux.Errno("EPERM")
		}
		if r.Errno.Value != "" {
			number, ok := linux.Errno(r.Errno.Value)
			rule.Errno = number
			switch {
			case !ok:
				c.unknown(diag.InvalidErrno, "there is no error", r.Errno, linux.ErrnoNames())
			case r.Action.Value != "" && rule.Action != policy.Block:
				c.report(diag.ConflictingKeys, r.Errno.Span, fmt.Sprintf("errno is what a Block returns, and the rule says %s", rule.Action))
			}
		}
		if !c.failed && contradictory(rule.Args) {
			c.report(diag.DeadRule, r.Args[0].Place, fmt.Sprintf("no call meets all conditions on the arguments of rule %s", rule.Name))
		}
		if !c.failed {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}

// words checks a list of names from a table of Linux.
func (c *checker) words(texts []syntax.Text, code diag.Code, none string, is func(string) bool, all func() []string) []policy.Pattern {
	out := make([]policy.Pattern, 0, len(texts))
	seen := make(map[string]diag.Span, len(texts))
	for _, t := range texts {
		switch {
		case t.Value == "" && c.failed: // of the wrong type, which is reported
		case !is(t.Value):
			c.unknown(code, none, t, all())
		case !c.repeated(seen, t.Value, t):
			out = append(out, policy.Pattern{Text: t.Value, Span: t.Span})
		}
	}
	return out
}

func isSyscall(name string) bool {
	for _, a := range linux.Arches() {
		if _, ok := linux.Syscall(a, name); ok {
			return true
		}
	}
	return false
}

// allSyscalls lists the names that any architecture has.
var allSyscalls = sync.OnceValue(func() []string {
	var all []string
	for _, a := range linux.Arches() {
		all = append(all, linux.SyscallNames(a)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
})

var argOps = func() map[string]policy.ArgOp {
	m := map[string]policy.ArgOp{}
	for op := policy.ArgEqual; op <= policy.ArgMaskedEqual; op++ {
		m[op.String()] = op
	}
	return m
}()

const lastArgument = 5

func (c *checker) args(args []syntax.Arg) []policy.Arg {
	var out []policy.Arg
	for _, a := range args {
		if a.Flawed {
			continue
		}
		arg := policy.Arg{Index: int(min(a.Index.Value, lastArgument)), Op: argOps[a.Op.Value], Value: a.Value.Value, Mask: a.Mask.Value}
		masked := arg.Op == policy.ArgMaskedEqual
		switch {
		case a.Index.Value > lastArgument:
			c.report(diag.InvalidArgument, a.Index.Span, fmt.Sprintf("there is no argument %d: the first is 0, the last %d", a.Index.Value, lastArgument))
		case masked && !a.Mask.Given():
			c.report(diag.MissingKey, a.Place, "maskedEq needs a mask", diag.Hint("it holds when argument & mask == value"))
		case !masked && a.Mask.Given():
			c.report(diag.ConflictingKeys, a.Mask.Span, fmt.Sprintf("%s takes no mask", arg.Op), diag.Hint("op: maskedEq compares the bits of mask"))
		case masked && arg.Value&^arg.Mask != 0:
			c.report(diag.InvalidArgument, a.Value.Span, fmt.Sprintf("argument & mask never equals 0x%x: the mask lacks 0x%x", arg.Value, arg.Value&^arg.Mask), diag.Hint("did you mean 0x%x?", arg.Value&arg.Mask))
		case arg.Op == policy.ArgLess && arg.Value == 0, arg.Op == policy.ArgGreater && arg.Value == math.MaxUint64:
			c.report(diag.InvalidArgument, a.Place, fmt.Sprintf("no argument is %s 0x%x: arguments are unsigned", arg.Op, arg.Value))
		default:
			out = append(out, arg)
		}
	}
	return out
}

// contradictory says whether certainly no arguments meet all conditions.
func contradictory(args []policy.Arg) bool {
	for i, a := range args {
		low, high := uint64(0), uint64(math.MaxUint64)
		for _, b := range args {
			if b.Index != a.Index {
				continue
			}
			switch {
			case a.Op == policy.ArgEqual && !b.Holds(a.Value):
				return true
			case a.Op == policy.ArgMaskedEqual && b.Op == policy.ArgMaskedEqual && (a.Value^b.Value)&a.Mask&b.Mask != 0:
				return true
			}
			switch b.Op {
			case policy.ArgLess:
				high = min(high, b.Value-1)
			case policy.ArgLessEqual:
				high = min(high, b.Value)
			case policy.ArgGreater:
				low = max(low, b.Value+1)
			case policy.ArgGreaterEqual:
				low = max(low, b.Value)
			}
		}
		if low > high || low == high && slices.ContainsFunc(args[i:], func(b policy.Arg) bool { return b.Index == a.Index && !b.Holds(low) }) {
			return true
		}
	}
	return false
}

func (c *checker) capabilities(s *syntax.CapabilitySection, known map[string]diag.Span) *policy.CapabilitySection {
	out := &policy.CapabilitySection{Default: actions[s.Default.Value], DefaultSpan: s.Default.Span}
	for i := range s.Rules {
		r := &s.Rules[i]
		rule := policy.CapabilityRule{Rule: c.rule(policy.Capabilities, &r.RuleHead, r.From, known)}
		names := make([]syntax.Text, 0, len(r.Names))
		for _, t := range r.Names {
			if plain := strings.TrimPrefix(strings.ToUpper(t.Value), "CAP_"); plain != t.Value && isCapability(plain) {
				c.report(diag.UnknownCapability, t.Span, fmt.Sprintf("capabilities are written in upper case and without CAP_, and %s is not", quote(t.Value)), diag.Hint("write %s", plain), replace(t, plain))
				continue
			}
			names = append(names, t)
		}
		rule.Names = c.words(names, diag.UnknownCapability, "there is no capability", isCapability, linux.CapabilityNames)
		if !c.failed {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}

func isCapability(name string) bool {
	_, ok := linux.CapabilityByName(name)
	return ok
}

var operations = func() map[string]policy.SystemOperation {
	m := map[string]policy.SystemOperation{}
	for _, o := range policy.SystemOperations {
		m[o.String()] = o
	}
	return m
}()

func (c *checker) system(s *syntax.SystemSection, known map[string]diag.Span) *policy.SystemSection {
	out := &policy.SystemSection{}
	for i := range s.Rules {
		r := &s.Rules[i]
		rule := policy.SystemRule{Rule: c.rule(policy.System, &r.RuleHead, r.From, known)}
		seen := map[string]diag.Span{}
		for _, t := range r.Operations {
			if t.Value != "" && !c.repeated(seen, t.Value, t) {
				rule.Operations = append(rule.Operations, operations[t.Value])
			}
		}
		if !c.failed {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}
