// SPDX-License-Identifier: Apache-2.0

package ir

import "github.com/avert-dev/avert/compiler/policy"

// eperm is what a system call returns that a default blocks (errno-base.h).
const eperm = 1

// choose returns the verdict of the strictest matching rule, named after the
// first that is reported, else the first. ok is false when none matches.
func choose(n int, source func(int) Source, matches func(int) bool) (v policy.Verdict, at int, ok bool) {
	for i := range n {
		s := source(i)
		stricter := !ok || s.Rule.Action > v.Action
		louder := ok && s.Rule.Action == v.Action && !v.Report && v.Action == policy.Block && !s.Rule.Quiet
		if (stricter || louder) && matches(i) {
			v = policy.Verdict{Action: s.Rule.Action, Rule: s.Ref(), Report: s.Rule.Action != policy.Allow && !s.Rule.Quiet}
			at, ok = i, true
		}
	}
	return v, at, ok
}

func (l *Layer) syscall(call policy.SyscallCall, base Base) policy.Verdict {
	t := l.Syscalls
	if t == nil {
		return policy.Verdict{}
	}
	if c := t.Calls[call.Name]; c != nil {
		v, at, ok := choose(len(c.Cases),
			func(i int) Source { return c.Cases[i].Source },
			func(i int) bool { return c.Cases[i].Holds(call.Args) })
		if ok {
			if v.Action == policy.Block {
				v.Errno = c.Cases[at].Errno
			}
			return v
		}
	}
	if t.RuntimeDefault && base != nil && base(call) {
		return policy.Verdict{}
	}
	v := byDefault(&t.Default)
	if v.Action == policy.Block {
		v.Errno = eperm
	}
	return v
}

// decide decides about one number: bit has exactly one bit.
func (t *MaskTable) decide(l *Layer, s State, bit uint64) policy.Verdict {
	if t == nil {
		return policy.Verdict{}
	}
	v, _, ok := choose(len(t.Groups),
		func(i int) Source { return t.Groups[i].Source },
		func(i int) bool { return t.Groups[i].Mask&bit != 0 && l.Lineage.Holds(t.Groups[i].Cond, s) })
	if ok {
		return v
	}
	if t.Covers&bit == 0 {
		return policy.Verdict{}
	}
	return byDefault(&t.Default)
}
