// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/view"
)

// noContext: evaluation ends by the limits.
var noContext = context.Background()

// Judge evaluates the rules on every subject, on all processors, and reports
// what they find and what no exception takes out. files are those that
// comments with exceptions may stand in. A rule beyond the limits is reported
// once and judged no more.
func (s *Set) Judge(in view.Input, files []*diag.File, limits Limits, list *diag.List) Excepted {
	found := &diag.List{}
	if len(s.groups) > 0 {
		s.evaluate(view.Subjects(in), limits, found, list)
	}
	rest, excepted := s.except(found.Sorted(), files, in.Today, list)
	for _, d := range rest {
		list.Add(d)
	}
	return excepted
}

// evaluate puts findings of rules in found, and of what is wrong with rules in
// list.
func (s *Set) evaluate(subjects []view.Subject, limits Limits, found, list *diag.List) {
	j := &judge{Set: s, found: found, list: list, watch: newWatch(limits)}
	defer j.watch.stop()
	next := make(chan view.Subject)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(subjects)) {
		wg.Go(func() {
			for subject := range next {
				j.subject(subject)
			}
		})
	}
	for _, subject := range subjects {
		next <- subject
	}
	close(next)
	wg.Wait()
}

type judge struct {
	*Set
	found   *diag.List
	list    *diag.List
	watch   *watch
	stopped sync.Map // *Rule, those not to be judged again
	alone   sync.RWMutex
}

func (j *judge) subject(make view.Subject) {
	v, places := make()
	subject := Pool
	switch {
	case v.Policy != nil:
		subject = Policy
	case v.Unit != nil:
		subject = Unit
	}
	input := valueOf(reflect.ValueOf(v)).Value
	for i := range j.groups {
		g := &j.groups[i]
		if _, stopped := j.stopped.Load(g.rules[0]); g.subject != subject || stopped {
			continue
		}
		j.alone.RLock()
		results, run, err := j.eval(g, input)
		j.alone.RUnlock()
		if err != nil && run.memory.Load() {
			// The memory may have been another's: what needs it alone is the culprit.
			j.alone.Lock()
			results, run, err = j.eval(g, input)
			j.alone.Unlock()
		}
		if err != nil {
			j.failed(g, run, err)
			continue
		}
		for _, row := range rowsOf(results) {
			j.finding(g.rules[row.rule], row.finding, places)
		}
	}
}

func (j *judge) eval(g *group, input ast.Value) (rego.ResultSet, *run, error) {
	run := j.watch.begin()
	defer j.watch.end(run)
	results, err := g.query.Eval(noContext, rego.EvalParsedInput(input), rego.EvalExternalCancel(run.cancel))
	return results, run, err
}

// failed reports a group that could not be evaluated to its end.
func (j *judge) failed(g *group, run *run, err error) {
	if _, again := j.stopped.LoadOrStore(g.rules[0], true); again {
		return
	}
	r := g.rules[0]
	name := r.ID
	if r.BuiltIn {
		name = "a built-in rule about a " + string(g.subject)
	}
	if topdown.IsCancel(err) {
		j.list.Report(diag.RunawayRule, r.Span, fmt.Sprintf("%s was stopped: it took more than %s", name, run.why()), diag.Hint("rules are evaluated for each policy, container or pool; look for loops over products of lists"))
		return
	}
	j.list.Report(diag.InvalidRule, r.Span, fmt.Sprintf("%s cannot be evaluated: %s", name, firstLine(err.Error())))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// row is one element of a group's set.
type row struct {
	rule    int
	finding any
}

func rowsOf(results rego.ResultSet) []row {
	if len(results) == 0 {
		return nil
	}
	items, _ := results[0].Expressions[0].Value.([]any)
	out := make([]row, 0, len(items))
	for _, item := range items {
		pair := item.([]any)
		n, err := pair[0].(json.Number).Int64()
		if err != nil {
			panic(err) // the group's own module wrote it
		}
		out = append(out, row{int(n), pair[1]})
	}
	return out
}

// finding reports what a rule found, or that it is none.
func (j *judge) finding(r *Rule, found any, places view.Places) {
	severity, _ := j.level(r)
	d := diag.Diagnostic{Code: diag.Code(r.ID), Severity: severity, Hint: r.Action}
	read := &reading{places: places}
	object := read.object(found)
	d.Message, d.Span = read.text(object, "msg"), read.span(object)
	if object["hint"] != nil {
		d.Hint = read.text(object, "hint")
	}
	if object["see"] != nil {
		items, ok := object["see"].([]any)
		if !ok {
			read.fail("see is not a list")
		}
		for _, item := range items {
			o := read.object(item)
			d.Notes = append(d.Notes, diag.Related{Span: read.span(o), Message: read.text(o, "msg")})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains([]string{"msg", "at", "hint", "see"}, key) {
			read.fail("it has a key " + key)
		}
	}
	if read.problem != "" {
		text, _ := json.Marshal(found)
		j.list.Report(diag.InvalidRule, r.Span, fmt.Sprintf("deny of %s has an element that is no finding: %s", r.ID, read.problem),
			diag.Hint("a finding is {\"msg\": text, \"at\": the at of a node of the view}, and hint and see where wanted; this one is %s", clip(string(text))))
		return
	}
	j.found.Add(d)
}

func clip(s string) string {
	const most = 120
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// reading reads a finding, and keeps the first thing that is wrong with it.
type reading struct {
	places  view.Places
	problem string
}

func (r *reading) fail(problem string) {
	if r.problem == "" {
		r.problem = problem
	}
}

func (r *reading) object(v any) map[string]any {
	o, ok := v.(map[string]any)
	if !ok {
		r.fail("it is no object")
	}
	return o
}

func (r *reading) text(o map[string]any, key string) string {
	text, ok := o[key].(string)
	if !ok || text == "" || strings.ContainsAny(text, "\n\r") {
		r.fail(key + " is not a line of text")
	}
	return text
}

func (r *reading) span(o map[string]any) diag.Span {
	number, _ := o["at"].(json.Number)
	at, err := number.Int64()
	span, ok := r.places.Span(int(at))
	if err != nil || !ok {
		r.fail("at is not that of a node")
	}
	return span
}
