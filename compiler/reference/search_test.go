// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"strings"
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
	"pgregory.net/rapid"
)

// suffixes lists all suffixes of up to four bytes that a directory's paths may
// have, in an alphabet with a byte that no pattern names.
func suffixes() []string {
	var out []string
	last := []string{"/"}
	for range 3 {
		var longer []string
		for _, s := range last {
			for _, b := range []string{".", "/", "a", "b", "z"} {
				longer = append(longer, s+b)
				if Canonical(s + b) {
					out = append(out, s+b)
				}
			}
		}
		last = longer
	}
	return out
}

// TestSearchFindsEverything compares the search with trying all short suffixes.
func TestSearchFindsEverything(t *testing.T) {
	all := suffixes()
	pattern := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"/s", "/t", "/", "a", "b", "*", "?", ".", "[!a]", "[!.]", "{a,}", "/**/", "{/,}", "/**"}), 1, 4),
		func(parts []string) string {
			p := strings.Join(parts, "")
			if !strings.HasPrefix(p, "/s") && !strings.HasPrefix(p, "/t") {
				p = "/{s,t}" + p
			}
			return strings.ReplaceAll(p, "***", "**")
		})
	rapid.Check(t, func(t *rapid.T) {
		section := &policy.PathSection{Default: rapid.SampledFrom([]policy.Action{policy.Allow, policy.Block}).Draw(t, "default")}
		for range rapid.IntRange(1, 4).Draw(t, "rules") {
			section.Rules = append(section.Rules, policy.PathRule{
				Rule:   policy.Rule{Section: policy.File, Action: rapid.SampledFrom([]policy.Action{policy.Allow, policy.Block}).Draw(t, "action")},
				Paths:  []policy.Pattern{{Text: pattern.Draw(t, "pattern")}},
				Access: policy.AccessRead,
			})
		}
		ps := Policies{{File: section}}
		blocked := func(path string) bool {
			op := policy.Operation{Kind: policy.OpFile, Access: policy.AccessRead, Object: policy.Object{Path: path}}
			return Decide(ps, op, nil).Verdict.Action == policy.Block
		}
		got, found, decided := pathSectionsOf(ps, nil).findCarryOut("/s", "/t")
		if !decided {
			t.Fatal("not decided")
		}
		if found && (!Canonical(got) || !blocked("/s"+got) || blocked("/t"+got)) {
			t.Fatalf("%q is no way out", got)
		}
		for _, s := range all {
			if blocked("/s"+s) && !blocked("/t"+s) && (!found || len(got) > len(s)) {
				t.Fatalf("%q is a way out, found %q %v", s, got, found)
			}
		}
	})
}

// TestSearchWalksAsMatch: reading a path byte by byte matches the same globs.
func TestSearchWalksAsMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := sample.Pattern().Draw(t, "pattern")
		globs := parse(pattern)
		for range 20 {
			path := sample.Path([]string{pattern}).Draw(t, "path")
			o := walk(globs, path).object(globs)
			for _, g := range globs {
				if o.matches(g) != g.match(path) {
					t.Fatalf("%q and %q: walk %v, match %v", pattern, path, o.matches(g), g.match(path))
				}
			}
		}
	})
}

// TestSearchStaysCanonical: where only what no path is would be a way out,
// there is none.
func TestSearchStaysCanonical(t *testing.T) {
	rule := func(action policy.Action, pattern string) policy.PathRule {
		return policy.PathRule{
			Rule:   policy.Rule{Section: policy.File, Action: action},
			Paths:  []policy.Pattern{{Text: pattern}},
			Access: policy.AccessRead,
		}
	}
	for _, test := range []struct{ source, target, blocked, also string }{
		{"/s", "/t", "/s/*", "/t/{[!.]*,.[!.]*,..?*}"},
		{"/s", "/t", "/s/?", "/t/[!.]"},
		{"/s", "/t", "/s**", "/t/**"},
		{"/", "/t", "//a", "/b"},
		{"/s", "/", "/s/a", "/a"},
	} {
		section := &policy.PathSection{Rules: []policy.PathRule{rule(policy.Block, test.blocked), rule(policy.Block, test.also)}}
		suffix, found, decided := pathSectionsOf(Policies{{File: section}}, nil).findCarryOut(test.source, test.target)
		if found || !decided {
			t.Errorf("%v: found %q %v, decided %v", test, suffix, found, decided)
		}
	}
}

// TestSearchWitness: what the search finds is a way out by the plain matcher,
// for policies of any kind.
func TestSearchWitness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		op := sample.Operation(ps).Filter(func(op policy.Operation) bool { return op.Kind == policy.OpRename }).Draw(t, "operation")
		source, target := op.Object.Path, op.Target.Path
		if !Canonical(source) || !Canonical(target) {
			return
		}
		s := pathSectionsOf(ps, op.Lineage)
		suffix, found, _ := s.findCarryOut(source, target)
		if !found {
			return
		}
		below := func(path string) object { return objectOf(policy.Object{Path: path + suffix}) }
		if s.carryOut(below(source), below(target)).Action != policy.Block {
			t.Fatalf("%q is no way out of %s to %s", suffix, source, target)
		}
	})
}

// TestSearchBudget: a pattern that tells too many suffixes apart ends the
// search without a verdict of its own.
func TestSearchBudget(t *testing.T) {
	ps := Policies{{File: &policy.PathSection{Rules: []policy.PathRule{{
		Rule:   policy.Rule{Section: policy.File, Action: policy.Block},
		Paths:  []policy.Pattern{{Text: "/{s,t}/**/*a" + strings.Repeat("?", 16)}},
		Access: policy.AccessRead,
	}}}}}
	move := policy.Operation{Kind: policy.OpRename, Object: policy.Object{Path: "/s"}, Target: policy.Object{Path: "/t"}, Directory: true}
	if got := Decide(ps, move, nil); !got.Undecided || got.Verdict.Action != policy.Allow {
		t.Errorf("got %+v, want an undecided Allow", got)
	}
	ps[0].Mode = policy.AuditMode
	if got := Decide(ps, move, nil); !got.Undecided {
		t.Errorf("got %+v, want undecided by the policy in mode Audit", got)
	}
	move.Directory = false
	if got := Decide(ps, move, nil); got.Undecided {
		t.Errorf("got %+v, want decided", got)
	}
}
