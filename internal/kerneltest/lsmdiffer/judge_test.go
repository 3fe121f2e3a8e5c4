// SPDX-License-Identifier: Apache-2.0

package lsmdiffer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
	"github.com/avert-dev/avert/runtime/image"
)

// accesses are what attempts with one file ask for, in the order that a kernel does.
var accesses = map[Do][]policy.Access{
	Read: {policy.AccessRead}, Write: {policy.AccessWrite}, Append: {policy.AccessWrite}, Truncate: {policy.AccessWrite},
	ReadWrite: {policy.AccessRead | policy.AccessWrite}, OpenTrunc: {policy.AccessRead | policy.AccessWrite},
	Create: {policy.AccessCreate, policy.AccessWrite}, Mkdir: {policy.AccessCreate}, Mknod: {policy.AccessCreate}, Symlink: {policy.AccessCreate},
	Unlink: {policy.AccessDelete}, Rmdir: {policy.AccessDelete},
	Chmod: {policy.AccessChmod}, Fchmod: {policy.AccessChmod},
	Chown: {policy.AccessChown}, Lchown: {policy.AccessChown}, Fchown: {policy.AccessChown},
	Utimes: {policy.AccessTimes}, Touch: {policy.AccessTimes}, Futimes: {policy.AccessTimes},
	Setxattr: {policy.AccessXattr}, Fsetxattr: {policy.AccessXattr}, Removexattr: {policy.AccessXattr}, SetACL: {policy.AccessXattr},
	Mmap: {policy.AccessMap}, Mprotect: {policy.AccessMap},
}

// moves are what attempts with two names ask for.
var moves = map[Do]policy.Access{Rename: policy.AccessRename, Noreplace: policy.AccessRename, Exchange: policy.AccessRename, Link: policy.AccessLink}

// systems are the operations of `system` that are tried.
var systems = map[Do]policy.SystemOperation{Mount: policy.Mount, BPF: policy.BPF, NewUser: policy.UserNS}

// kinds names the accesses that an attempt is about, for counting.
func (s *Step) kinds() []string {
	if o, ok := systems[s.Do]; ok {
		return []string{o.String()}
	}
	var all policy.Access
	switch {
	case executes(s.Do):
		all = policy.AccessExec
	case moves[s.Do] != 0:
		all = moves[s.Do]
	}
	for _, a := range accesses[s.Do] {
		all |= a
	}
	return strings.Split(all.String(), ",")
}

func executes(do Do) bool { return do == Start || do == Exec || do == ExecAt || do == ExecLink }

// operations are a step in the words of the language: what one hook asks about at once, and then the next one if nothing was
// refused.
func operations(lineage []string, s *Step) [][]policy.Operation {
	op := policy.Operation{Lineage: lineage, Object: s.From.object()}
	if o, ok := systems[s.Do]; ok {
		return [][]policy.Operation{{{Kind: policy.OpSystem, Lineage: lineage, System: o}}}
	}
	switch {
	case executes(s.Do):
		op.Kind, op.Images, op.Object = policy.OpExec, []policy.Object{op.Object}, policy.Object{}
		if s.From.Kind == Script {
			op.Images = append(op.Images, s.To.object())
		}
		return [][]policy.Operation{{op}}
	case moves[s.Do] != 0:
		op.Kind = policy.OpRename
		if s.Do == Link {
			op.Kind = policy.OpLink
		}
		op.Target, op.TargetExists, op.Exchange, op.Directory = s.To.object(), s.To.Kind != Absent, s.Do == Exchange, s.From.Kind == Folder
		return [][]policy.Operation{{op}}
	}
	op.Kind = policy.OpFile
	var out [][]policy.Operation
	for _, asked := range accesses[s.Do] {
		var together []policy.Operation
		for _, a := range policy.AccessNames {
			if asked&a.Access != 0 {
				op.Access = a.Access
				together = append(together, op)
			}
		}
		out = append(out, together)
	}
	return out
}

// object is what an object is in the words of the language.
func (o *Object) object() policy.Object {
	switch {
	case o.Kind == Memory || o.Kind == Deleted:
		return policy.Object{Class: policy.Anonymous}
	case o.Kind == PipeFD:
		return policy.Object{Class: policy.Unnamed}
	case o.Kind == Foreign || unresolved(o.Path):
		return policy.Object{Class: policy.Unresolved}
	}
	return policy.Object{Path: o.Path}
}

// expected is what must come of an attempt.
type expected struct {
	refused bool
	// blocks and audits are the layers that report, by bit.
	blocks, audits uint8
	// rule is the one that the reference names for layer 0; empty when there is no single one.
	rule string
	// why tells what each side says.
	why string
}

// judge asks the reference and the reader of the image about an attempt. It is not decided when the reference gives up; an
// error says that they disagree.
func (r *revision) judge(lineage []string, s *Step) (e expected, decided bool, err error) {
	for _, together := range operations(lineage, s) {
		var blocked, blocks, audits uint8
		for _, op := range together {
			result := reference.Decide(r.policies, op, nil)
			if result.Undecided {
				return e, false, nil
			}
			want := append([]policy.Verdict{result.Verdict}, result.Would...)
			got := r.image.Decide(op)
			e.why += fmt.Sprintf("\n  reference %s\n  reader    %s", verdicts(want), readings(got))
			if len(got) != len(want) {
				return e, true, fmt.Errorf("the reader has %d layers, and the reference %d", len(got), len(want))
			}
			for i, w := range want {
				if same := got[i].Action == w.Action && got[i].Report == w.Report; !same && !stricter(op, got[i]) && !r.silenced(op) {
					return e, true, fmt.Errorf("layer %d: the reader says %+v, and the reference %s of %s by %s", i, got[i], w.Action, w.Rule.Rule, w.Rule.Policy)
				}
			}
			e.rule = ""
			if got[0].Report && got[0].Action == want[0].Action && len(together) == 1 {
				e.rule = want[0].Rule.Policy + " " + want[0].Rule.Rule
			}
			for i, v := range got {
				bit := uint8(1) << i
				switch {
				case r.closes(op, i):
					blocked, blocks = blocked|bit, blocks|bit
					e.rule, e.why = "", e.why+"\n  a name cannot be known"
				case v.Action == policy.Block && v.Report:
					blocked, blocks = blocked|bit, blocks|bit
				case v.Action == policy.Block:
					blocked |= bit
				case v.Action == policy.Audit:
					audits |= bit
				}
			}
		}
		e.blocks |= blocks
		e.audits |= audits &^ blocked
		if blocked&1 != 0 {
			e.refused = true
			break
		}
	}
	e.audits &^= e.blocks
	return e, true, nil
}

// stricter says whether a verdict may differ from the reference's: what is blocked and freed below two names is compared
// without looking where.
func stricter(op policy.Operation, got image.Verdict) bool {
	return op.Kind == policy.OpRename && op.Directory && got == image.Verdict{Action: policy.Block, Report: true}
}

// silenced says whether a quiet Block of process may silence the default of file for mapping: see Lowering.Refuses.
func (r *revision) silenced(op policy.Operation) bool {
	return op.Kind == policy.OpFile && op.Access == policy.AccessMap && slices.ContainsFunc(r.policies, func(p *policy.Policy) bool {
		return p.Process != nil && slices.ContainsFunc(p.Process.Rules, func(r policy.PathRule) bool { return r.Quiet && r.From == nil })
	})
}

// closes says whether a layer refuses a move because one of the names cannot be known, and it blocks anything.
func (r *revision) closes(op policy.Operation, layer int) bool {
	return (op.Kind == policy.OpRename || op.Kind == policy.OpLink) && r.image.Head().Layer[layer].Closed != 0 &&
		(op.Object.Class == policy.Unresolved || op.Target.Class == policy.Unresolved)
}

func verdicts(list []policy.Verdict) string {
	var out []string
	for _, v := range list {
		text := v.Action.String()
		if v.Action == policy.Block && !v.Report {
			text += ", quiet"
		}
		out = append(out, fmt.Sprintf("%s (%s %s)", text, v.Rule.Policy, v.Rule.Rule))
	}
	return strings.Join(out, "; ")
}

func readings(list []image.Verdict) string {
	var out []string
	for _, v := range list {
		text := v.Action.String()
		if v.Action == policy.Block && !v.Report {
			text += ", quiet"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}
