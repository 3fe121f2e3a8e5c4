// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

// below returns what is below a directory, by part.
func (w *walker) below(dir string) [][]bpf.BelowLayer {
	var out [][]bpf.BelowLayer
	for _, s := range w.walk(dir) {
		layers := make([]bpf.BelowLayer, w.head.Layers)
		out = append(out, layers)
		s = w.step(s, '/')
		if s&automata.SinkBit != 0 {
			if ref, ok := w.accept(s); ok {
				if at := w.cell(ref).Below; at != 0 {
					get(w, w.table[8*at:], layers)
				}
			}
			continue
		}
		ref, ok := w.accept(w.step(s, 0))
		if !ok {
			continue
		}
		if ref&bpf.BelowBit == 0 {
			w.t.Fatalf("NUL after %q leads to a cell", dir)
		}
		get(w, w.table[8*(ref&^bpf.BelowBit):], layers)
	}
	return out
}

// sameBelow says whether the layer says the same below two directories.
func (w *walker) sameBelow(layer int, from, to string) bool {
	a, b := w.below(from), w.below(to)
	for p := range a {
		if a[p][layer].Class != b[p][layer].Class {
			return false
		}
	}
	return true
}

// freedBelow says whether a directory may not be moved.
func (w *walker) freedBelow(layer int, held uint64, from, to string) bool {
	if w.sameBelow(layer, from, to) {
		return false
	}
	var source, target bpf.BelowLayer
	for _, b := range w.below(from) {
		source.BlockProcess |= b[layer].BlockProcess
		source.BlockFile |= b[layer].BlockFile
	}
	for _, b := range w.below(to) {
		target.AllowProcess |= b[layer].AllowProcess
		target.AllowFile |= b[layer].AllowFile
	}
	l := w.head.Layer[layer]
	process := source.BlockProcess
	if l.Process == bpf.Block {
		process = target.AllowProcess
	}
	file := source.BlockFile
	if l.File == bpf.Block {
		file |= target.AllowFile
	}
	return (process|file)&held != 0
}

// move decides about a rename or link.
func (w *walker) move(layer int, op policy.Operation) verdict {
	if op.Kind == policy.OpLink {
		return w.moveOne(layer, op, policy.AccessLink, op.Object, op.Target, false)
	}
	v := w.moveOne(layer, op, policy.AccessRename, op.Object, op.Target, op.TargetExists && !op.Exchange)
	if op.Exchange {
		v = strictest(v, w.moveOne(layer, op, policy.AccessRename, op.Target, op.Object, false))
	}
	return v
}

func strictest(list ...verdict) verdict {
	out := list[0]
	for _, v := range list[1:] {
		if v.action > out.action || v.action == out.action && v.report && !out.report {
			out = v
		}
	}
	return out
}

func (w *walker) moveOne(layer int, op policy.Operation, access policy.Access, from, to policy.Object, exists bool) verdict {
	held := w.held(op.Lineage)
	use := func(a policy.Access, o policy.Object) verdict {
		return w.object(layer, held, slices.IndexFunc(policy.AccessNames, func(n struct {
			Access policy.Access
			Name   string
		}) bool {
			return n.Access == a
		}), o, true)
	}
	v := strictest(use(access, from), use(policy.AccessCreate, to))
	if exists {
		v = strictest(v, use(policy.AccessDelete, to))
	}
	if from.Class != policy.Named || to.Class != policy.Named || !automata.IsCanonical(from.Path) || !automata.IsCanonical(to.Path) {
		return v
	}
	freed := false
	for _, n := range policy.AccessNames {
		freed = freed || use(n.Access, from).action == policy.Block && use(n.Access, to).action != policy.Block
	}
	if op.Directory && from.Path != "/" && to.Path != "/" {
		freed = freed || w.freedBelow(layer, held, from.Path, to.Path)
	}
	if freed {
		if w.head.Layer[layer].Relevant&uint32(policy.AccessRename|policy.AccessLink) == 0 {
			w.t.Fatalf("layer %d carries out what is not relevant", layer)
		}
		return verdict{policy.Block, true}
	}
	return v
}

// TestMovesAsIR: images decide about renames and links as the IR does, but for
// directories that rules tell apart: there they are never looser.
func TestMovesAsIR(t *testing.T) {
	stricter, exact := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		ps := sample.Policies().Draw(t, "policies")
		u := unitOf(t, ps)
		if !holdsAnything(u) {
			t.Skip("nothing to hold")
		}
		w := open(t, imageFor(t, u))
		for range 60 {
			op := sample.Operation(ps).Draw(t, "operation")
			if op.Kind != policy.OpRename && op.Kind != policy.OpLink {
				continue
			}
			for i, l := range layersOf(u) {
				want, err := l.Decide(op, nil)
				if err != nil {
					t.Skip("beyond a search budget")
				}
				got := w.move(i, op)
				if got == (verdict{want.Action, want.Report}) {
					exact++
					continue
				}
				if op.Directory && got == (verdict{policy.Block, true}) && !w.sameBelow(i, op.Object.Path, op.Target.Path) {
					stricter++
					continue
				}
				t.Fatalf("layer %d decides %+v, the IR %+v\n%s", i, got, want, u.Dump())
			}
		}
	})
	if stricter*20 > exact {
		t.Errorf("%d of %d moves are refused though the IR would not", stricter, stricter+exact)
	}
}

// TestDirectories: what is below directories that are moved.
func TestDirectories(t *testing.T) {
	move := `{name: move, action: Allow, access: [rename, create, delete], paths: ["/**"]}`
	for _, c := range []struct {
		name, spec, from, to string
		refused              bool
	}{
		{"out of a Block", `file: {default: Allow, rules: [{name: b, action: Block, access: [read], paths: ["/a/*/key"]}]}`, "/a", "/b", true},
		{"into a Block", `file: {default: Allow, rules: [{name: b, action: Block, access: [read], paths: ["/a/*/key"]}]}`, "/b", "/a", false},
		{"beside a Block", `file: {default: Allow, rules: [{name: b, action: Block, access: [read], paths: ["/a/*/key"]}]}`, "/b", "/c", false},
		{"within a Block", `file: {default: Allow, rules: [{name: b, action: Block, access: [read], paths: ["/a/*/key"]}]}`, "/a/b", "/a/c", false},
		{"of everything below", `file: {default: Allow, rules: [{name: b, action: Block, access: [read], paths: ["/a/**"]}]}`, "/a", "/b", true},
		{"to where everything below is allowed", `file: {default: Block, rules: [{name: move, action: Allow, access: [rename, create, delete], paths: [/a, /b]}, {name: a, action: Allow, access: [read], paths: ["/a/**"]}]}`, "/b", "/a", true},
		{"within a sink", `file: {default: Allow, rules: [{name: b, action: Block, access: [read], paths: ["/a/**"]}]}`, "/a/b", "/a/c/d", false},
		{"to where more is allowed", `file: {default: Block, rules: [` + move + `, {name: a, action: Allow, access: [read], paths: ["/a/*/key"]}]}`, "/b", "/a", true},
		{"from where more is allowed", `file: {default: Block, rules: [{name: move, action: Allow, access: [rename, create], paths: [/a, /b]}, {name: a, action: Allow, access: [read], paths: ["/a/*/key"]}]}`, "/a", "/b", false},
		{"of programs that are allowed", `process: {default: Block, rules: [{name: a, action: Allow, paths: ["/a/bin/*"]}]}`, "/b", "/a", true},
		{"of programs that are blocked", `process: {default: Allow, rules: [{name: a, action: Block, paths: ["/a/bin/*"]}]}`, "/a", "/b", true},
		{"of loaders", `process: {default: Allow, rules: [{name: a, action: Block, paths: [/x]}]}`, "/usr/lib/x", "/usr/y", true},
		{"of loaders beside others", `process: {default: Allow, rules: [{name: a, action: Block, paths: [/x]}]}`, "/usr/lib/x", "/usr/lib/y", false},
		{"of a quiet Block", `file: {default: Allow, rules: [{name: b, action: Block, quiet: true, access: [read], paths: ["/a/k"]}, {name: c, action: Block, access: [read], paths: ["/b/k"]}]}`, "/a", "/b", false},
		{"of what a lineage may not", `file: {default: Allow, rules: [{name: b, action: Block, access: [read], paths: ["/a/k"], from: {exe: [/other]}}]}`, "/a", "/b", false},
	} {
		u := programOf(t, policyOf("p", "Enforce", "  "+c.spec+"\n")).Units[0]
		w := open(t, imageFor(t, u))
		op := policy.Operation{Kind: policy.OpRename, Directory: true, Object: policy.Object{Path: c.from}, Target: policy.Object{Path: c.to}}
		want, err := u.Enforced.Decide(op, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.move(0, op); (got.action == policy.Block) != c.refused || got.action != want.Action {
			t.Errorf("%s: %s, the IR %s, want it refused: %t", c.name, got.action, want.Action, c.refused)
		}
	}
}

// TestDirectoriesStricter: what is refused although the IR would not.
func TestDirectoriesStricter(t *testing.T) {
	u := programOf(t, policyOf("p", "Enforce", `  file:
    default: Allow
    rules:
      - {name: a, action: Block, access: [read], paths: [/a/key]}
      - {name: b, action: Block, access: [read, write], paths: [/b/key]}
`)).Units[0]
	op := policy.Operation{Kind: policy.OpRename, Directory: true, Object: policy.Object{Path: "/a"}, Target: policy.Object{Path: "/b"}}
	want, err := u.Enforced.Decide(op, nil)
	if err != nil || want.Action != policy.Allow {
		t.Fatalf("the IR: %s, %v", want.Action, err)
	}
	if got := open(t, imageFor(t, u)).move(0, op); got.action != policy.Block {
		t.Errorf("%s", got.action)
	}
}
