// SPDX-License-Identifier: Apache-2.0

package query

import (
	"fmt"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lineages"
	"github.com/avert-dev/avert/compiler/policy"
)

// Run is what becomes of a file that was written.
type Run uint8

const (
	// Execute runs it as a program.
	Execute Run = iota
	// MapCode maps it as code, as a library.
	MapCode
)

// Written are the files that some process may write or create, and some process,
// the same or another, may then run.
type Written struct {
	Run Run
	// Write is a smallest operation that writes such a file, Then one that runs it.
	Write, Then policy.Operation
	// Count is how many such files there are, the root of the tree not counted;
	// Endless that there are more than can be counted.
	Count   int
	Endless bool
}

// WrittenAndRun finds what can be written and run. A section that is not
// governed lets everything pass. nothing is found where nothing can.
func WrittenAndRun(l *ir.Layer) ([]Written, error) {
	set, err := automata.Compile(nil, automata.Options{})
	if err == nil && l.Paths != nil {
		set = l.Paths.Set
	}
	if err != nil {
		return nil, err
	}
	cells, err := automata.Divide(maxStates, set)
	if err != nil {
		return nil, fmt.Errorf("paths: %w", err)
	}
	known, err := lineages.New(l, &ir.Layer{})
	if err != nil {
		return nil, err
	}
	q := &written{layer: l, known: known}
	var out []Written
	for _, run := range []Run{Execute, MapCode} {
		w, ok, err := q.find(run, cells)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, w)
		}
	}
	return out, nil
}

type written struct {
	layer *ir.Layer
	known *lineages.Lineages
}

func (q *written) find(run Run, d *automata.Division) (Written, bool, error) {
	then := policy.AccessExec
	if run == MapCode {
		then = policy.AccessMap
	}
	var cells []int
	for i, c := range d.Cells {
		_, writes, err := q.passes(c.Labels[0], policy.AccessWrite, policy.AccessCreate)
		if err != nil {
			return Written{}, false, err
		}
		_, runs, err := q.passes(c.Labels[0], then)
		if err != nil {
			return Written{}, false, err
		}
		if writes && runs {
			cells = append(cells, i)
		}
	}
	root, err := automata.FromGlobs(maxStates, rootOnly)
	if err != nil {
		return Written{}, false, err
	}
	files, err := d.Paths(cells...).Difference(root, maxStates) // the root is no file
	if err != nil {
		return Written{}, false, err
	}
	path, ok := files.Witness()
	if !ok {
		return Written{}, false, nil
	}
	w := Written{Run: run}
	n, counted := files.Count(1 << 30)
	if w.Endless = !counted; counted {
		w.Count = n
	}
	labels := q.labels(path)
	if w.Write, _, err = q.passes(labels, policy.AccessWrite, policy.AccessCreate); err != nil {
		return Written{}, false, err
	}
	if w.Then, _, err = q.passes(labels, then); err != nil {
		return Written{}, false, err
	}
	object := policy.Object{Path: path}
	w.Write.Object = object
	if w.Then.Object = object; run == Execute {
		w.Then.Object, w.Then.Images = policy.Object{}, []policy.Object{object}
	}
	return w, true, nil
}

func (q *written) labels(path string) automata.Labels {
	if q.layer.Paths == nil {
		return automata.Labels{}
	}
	return q.layer.Paths.Set.Match(path)
}

// rootOnly matches the root.
var rootOnly = func() *automata.Glob {
	g, err := automata.Parse("/")
	if err != nil {
		panic(err) // it is a pattern
	}
	return g
}()

// passes returns the first of some uses of a path with the labels that passes
// after some lineage, as an operation that lacks its object.
func (q *written) passes(labels automata.Labels, accesses ...policy.Access) (policy.Operation, bool, error) {
	for _, access := range accesses {
		use := ir.Use{Access: access}
		relevant := q.known.Relevant(q.layer.Paths.Conditions(use, policy.Named, labels), nil)
		moments, err := q.known.Moments(relevant)
		if err != nil {
			return policy.Operation{}, false, err
		}
		for _, m := range moments {
			if q.layer.Paths.Effect(use, policy.Named, labels, q.known.Holds(0, relevant, m)).Action == policy.Block {
				continue
			}
			op := policy.Operation{Kind: policy.OpFile, Access: access, Lineage: m.Lineage}
			if access == policy.AccessExec {
				op = policy.Operation{Kind: policy.OpExec, Lineage: m.Lineage}
			}
			return op, true, nil
		}
	}
	return policy.Operation{}, false, nil
}
