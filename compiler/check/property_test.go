// SPDX-License-Identifier: Apache-2.0

package check

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

// place gives every rule a place of its own, by which findings name it.
func place(ps []*policy.Policy) map[int]*policy.Rule {
	file := diag.NewFile("drawn.yaml", make([]byte, 1<<12))
	at := map[int]*policy.Rule{}
	n := 0
	for _, p := range ps {
		n++
		p.Span = diag.Span{File: file, Start: n}
		for _, s := range policy.Sections {
			for _, r := range p.Rules(s) {
				n++
				r.NameSpan = diag.Span{File: file, Start: n}
				at[n] = r
			}
		}
	}
	return at
}

// without returns a copy of the policies that lacks one rule.
func without(ps []*policy.Policy, gone *policy.Rule) []*policy.Policy {
	var out []*policy.Policy
	for _, p := range ps {
		q := *p
		for _, s := range []**policy.PathSection{&q.Process, &q.File} {
			if *s != nil {
				c := **s
				c.Rules = drop(c.Rules, func(r *policy.PathRule) bool { return &r.Rule == gone })
				*s = &c
			}
		}
		if s := q.Network; s != nil {
			c := *s
			c.Rules = drop(c.Rules, func(r *policy.NetworkRule) bool { return &r.Rule == gone })
			q.Network = &c
		}
		if s := q.Syscalls; s != nil {
			c := *s
			c.Rules = drop(c.Rules, func(r *policy.SyscallRule) bool { return &r.Rule == gone })
			q.Syscalls = &c
		}
		if s := q.Capabilities; s != nil {
			c := *s
			c.Rules = drop(c.Rules, func(r *policy.CapabilityRule) bool { return &r.Rule == gone })
			q.Capabilities = &c
		}
		if s := q.System; s != nil {
			c := *s
			c.Rules = drop(c.Rules, func(r *policy.SystemRule) bool { return &r.Rule == gone })
			q.System = &c
		}
		out = append(out, &q)
	}
	return out
}

func drop[T any](rules []T, gone func(*T) bool) []T {
	var out []T
	for i := range rules {
		if !gone(&rules[i]) {
			out = append(out, rules[i])
		}
	}
	return out
}

// cross adds an Allow beside each Block of paths, of one of its patterns, so
// that rules which Blocks shadow are not rare.
func cross(t *rapid.T, p *policy.Policy) {
	for _, s := range []*policy.PathSection{p.Process, p.File} {
		if s == nil {
			continue
		}
		for _, r := range slices.Clone(s.Rules) {
			if r.Action == policy.Block && rapid.Bool().Draw(t, "cross") {
				r.Action, r.Quiet = policy.Allow, false
				r.Paths = r.Paths[:rapid.IntRange(0, len(r.Paths)).Draw(t, "paths")]
				if len(r.Paths)+len(r.Names) > 0 || r.Anonymous {
					s.Rules = append(s.Rules, r)
				}
			}
		}
	}
}

// TestFindingsAreTrue: a rule that is found to be without effect can go without
// any decision changing.
func TestFindingsAreTrue(t *testing.T) {
	counts := map[diag.Code]int{}
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		for _, p := range ps {
			cross(t, p)
		}
		at := place(ps)
		set := &policy.Set{Policies: ps}
		list := &diag.List{}
		together := newNeighbours(set)
		for _, p := range ps {
			duplicates(p, list)
			withoutEffect(p, together, list)
			shadows(p, p, func(r, _ *policy.Rule) { list.Report(diag.ShadowedRule, r.NameSpan, "") })
		}
		base := sample.Base().Draw(t, "base")
		for _, d := range list.Sorted() {
			counts[d.Code]++
			less := without(ps, at[d.Span.Start])
			for range 10 {
				op := sample.Operation(ps).Draw(t, "operation")
				before, after := reference.Decide(ps, op, base), reference.Decide(less, op, base)
				if before.Verdict.Action != after.Verdict.Action || before.Verdict.Report != after.Verdict.Report || before.Verdict.Errno != after.Verdict.Errno {
					t.Fatalf("%s %s: %s is reported, and without it %v becomes %v for %+v", d.Code, d.Message, at[d.Span.Start].ID(), before.Verdict, after.Verdict, op)
				}
			}
		}
	})
	for _, code := range []diag.Code{diag.ShadowedRule, diag.DuplicateRule, diag.DeadRule} {
		if counts[code] == 0 {
			t.Errorf("no drawn policy had a finding %s", code)
		}
	}
	t.Log(counts)
}

// TestContradictionsAreTrue: where both policies govern, the rule can go.
func TestContradictionsAreTrue(t *testing.T) {
	count := 0
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		if len(ps) < 2 {
			return
		}
		for _, p := range ps {
			p.Mode = policy.Enforce
		}
		place(ps)
		shadows(ps[0], ps[1], func(r, _ *policy.Rule) {
			count++
			less := without(ps, r)
			op := sample.Operation(ps).Draw(t, "operation")
			if before, after := reference.Decide(ps, op, nil), reference.Decide(less, op, nil); before.Verdict.Action != after.Verdict.Action {
				t.Fatalf("without %s %v becomes %v for %+v", r.ID(), before.Verdict, after.Verdict, op)
			}
		})
	})
	if count == 0 {
		t.Error("no drawn policies contradicted each other")
	}
}

// TestAlternatives: expanding braces as text keeps the meaning.
func TestAlternatives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(sample.Pattern(), rapid.StringMatching(`/[a*]?(\{(a|/b|,|[*]|\[,a\]|\\,|\\\{){1,5}\}|b){1,3}`)).Draw(t, "pattern")
		glob, err := automata.Parse(text)
		if err != nil {
			return
		}
		var parts []*automata.Glob
		for _, a := range alternatives(text) {
			part, err := automata.Parse(a)
			if err != nil {
				t.Fatalf("%q gives %q: %v", text, a, err)
			}
			parts = append(parts, part)
		}
		want, err := automata.FromGlobs(1<<16, glob)
		if err != nil {
			return
		}
		got, err := automata.FromGlobs(1<<16, parts...)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(want) {
			t.Fatalf("%q is not the union of %q", text, alternatives(text))
		}
	})
}

// TestSimplePath: what is taken for a plain path is a valid pattern.
func TestSimplePath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(/[a.-]{0,3}){0,4}(/\*\*)?`).Draw(t, "pattern")
		if _, err := automata.Parse(text); simplePath(text) && err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

// TestContradictoryArgs: what is found contradictory, nothing meets.
func TestContradictoryArgs(t *testing.T) {
	found := 0
	arg := rapid.Custom(func(t *rapid.T) policy.Arg {
		a := policy.Arg{Index: rapid.IntRange(0, 1).Draw(t, "index"), Op: policy.ArgOp(rapid.IntRange(0, 6).Draw(t, "op")), Value: rapid.Uint64Range(1, 6).Draw(t, "value")}
		if a.Op == policy.ArgMaskedEqual {
			a.Mask = rapid.Uint64Range(1, 7).Draw(t, "mask")
			a.Value &= a.Mask
		}
		return a
	})
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.SliceOfN(arg, 1, 4).Draw(t, "args")
		possible := true
		for index := range 2 {
			some := false
			for v := range uint64(9) {
				some = some || !slices.ContainsFunc(args, func(a policy.Arg) bool { return a.Index == index && !a.Holds(v) })
			}
			possible = possible && some
		}
		if contradictory(args) {
			found++
			if possible {
				t.Fatalf("%v can be met", args)
			}
		}
	})
	if found == 0 {
		t.Error("no drawn conditions were contradictory")
	}
}

// TestCovers: prefixes are split to the last address.
func TestCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.Custom(func(t *rapid.T) string {
			return rapid.StringMatching(`10\.0\.0\.([0-9]|1[0-5])/(2[89]|3[0-2])`).Draw(t, "prefix")
		})
		whole := parsePrefix(prefix.Draw(t, "whole"))
		var parts = rapid.SliceOfN(rapid.Map(prefix, parsePrefix), 0, 8).Draw(t, "parts")
		want := true
		for a := whole.Addr(); whole.Contains(a); a = a.Next() {
			in := false
			for _, p := range parts {
				in = in || p.Contains(a)
			}
			want = want && in
		}
		if got := covers(parts, whole); got != want {
			t.Fatalf("%v cover %v: %v, want %v", parts, whole, got, want)
		}
	})
}

func parsePrefix(s string) netip.Prefix { return netip.MustParsePrefix(s).Masked() }
