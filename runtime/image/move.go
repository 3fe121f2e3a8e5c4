// SPDX-License-Identifier: Apache-2.0

package image

import (
	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
)

// move decides about a rename or link.
func (d *decider) move(op policy.Operation) func(layer int) Verdict {
	from, to := d.object(op.Object), d.object(op.Target)
	return func(layer int) Verdict {
		switch {
		case op.Kind == policy.OpLink:
			return d.give(layer, policy.AccessLink, from, to, false, op.Directory)
		case !op.Exchange:
			return d.give(layer, policy.AccessRename, from, to, op.TargetExists, op.Directory)
		}
		return combine(d.give(layer, policy.AccessRename, from, to, false, op.Directory),
			d.give(layer, policy.AccessRename, to, from, false, op.Directory))
	}
}

// give decides about giving an object another name.
func (d *decider) give(layer int, access policy.Access, from, to object, replaces, directory bool) Verdict {
	v := combine(d.file(layer, access, from), d.file(layer, policy.AccessCreate, to))
	if replaces {
		v = combine(v, d.file(layer, policy.AccessDelete, to))
	}
	if from.Class == policy.Named && to.Class == policy.Named &&
		(d.blocked(layer, from)&^d.blocked(layer, to) != 0 || directory && d.carriesOutBelow(layer, from.Path, to.Path)) {
		return Verdict{policy.Block, true}
	}
	return v
}

// blocked returns the uses that are blocked at a name. None of them must be freed
// by another name.
func (d *decider) blocked(layer int, o object) policy.Access {
	l := &d.head.Layer[layer]
	var out policy.Access
	for _, n := range policy.AccessNames {
		otherwise := l.File
		if n.Access == policy.AccessExec {
			otherwise = l.Process
		}
		if d.weigh(d.masks(layer, n.Access, o), otherwise).Action == policy.Block {
			out |= n.Access
		}
	}
	if d.loader(layer, o) {
		out |= policy.AccessExec
	}
	return out
}

// carriesOutBelow says whether something below a directory might be carried out.
// What blocks below the one and what allows below the other is looked at apart
// from where it is, so the answer may be yes when nothing would be.
func (d *decider) carriesOutBelow(layer int, from, to string) bool {
	if from == "/" || to == "/" { // kernels do not move the root
		return false
	}
	same := true
	var there, here bpf.BelowLayer
	for part := range int(d.head.Parts) {
		f, t := d.belowOf(part, layer, from), d.belowOf(part, layer, to)
		same = same && f.Class == t.Class
		there.BlockProcess |= f.BlockProcess
		there.BlockFile |= f.BlockFile
		here.AllowProcess |= t.AllowProcess
		here.AllowFile |= t.AllowFile
	}
	if same {
		return false
	}
	l := &d.head.Layer[layer]
	process, file := there.BlockProcess, there.BlockFile
	if l.Process == bpf.Block {
		process = here.AllowProcess
	}
	if l.File == bpf.Block {
		file |= here.AllowFile
	}
	return (process|file)&d.held != 0
}
