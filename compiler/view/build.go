// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/targets"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/report"
)

// Input is what views are made of: a compilation without errors.
type Input struct {
	Set     *policy.Set
	Program *ir.Program
	Pools   []*report.Pool
	// Today is the date of the run.
	Today string
	// Paths are those that guardrails ask about, each once.
	Paths []string
}

// Subject makes one view. Each is made when it is needed, and by any goroutine.
type Subject func() (*View, Places)

// Places are the spans that the `at` of a view refer to.
type Places []diag.Span

// Span returns the place of an `at`; ok is false for a number that is none.
func (p Places) Span(at int) (s diag.Span, ok bool) {
	if at < 0 || at >= len(p) {
		return diag.Span{}, false
	}
	return p[at], true
}

// Positions spells the places as file:line:column.
func (p Places) Positions() []string {
	out := make([]string, len(p))
	for i, s := range p {
		out[i] = s.String()
	}
	return out
}

// Subjects lists what there is to judge: policies, units and pools, each in a
// fixed order.
func Subjects(in Input) []Subject {
	f := &facts{in: in, said: map[key]map[Held]emit.Status{}}
	for _, p := range in.Pools {
		f.pools = append(f.pools, f.builder().pool(p.Pool))
		for _, l := range p.Lowerings {
			f.note(p.Pool, l)
		}
	}
	var out []Subject
	for _, p := range in.Set.Policies {
		out = append(out, f.subject(func(b *builder, v *View) { v.Policy = b.policy(p) }))
	}
	for _, u := range in.Program.Units {
		out = append(out, f.subject(func(b *builder, v *View) { v.Unit = b.unit(u) }))
	}
	for _, u := range ungoverned(in) {
		out = append(out, f.subject(func(b *builder, v *View) { v.Unit = b.unit(u) }))
	}
	for i, p := range in.Pools {
		out = append(out, f.subject(func(b *builder, v *View) {
			b.at(p.Pool.Span) // the one place of a pool, as when f.pools was made
			v.Pool, v.Pools = f.pools[i], nil
		}))
	}
	return out
}

func (f *facts) subject(fill func(*builder, *View)) Subject {
	return func() (*View, Places) {
		b := f.builder()
		v := &View{APIVersion: APIVersion, Today: f.in.Today, Pools: f.pools}
		fill(b, v)
		return v, b.places
	}
}

// ungoverned are the containers that no policy selects.
func ungoverned(in Input) []*ir.Unit {
	type id struct {
		w *policy.Workload
		c *policy.Container
	}
	governed := map[id]bool{}
	for _, u := range in.Program.Units {
		governed[id{u.Workload, u.Container}] = true
	}
	var out []*ir.Unit
	for _, w := range in.Set.Workloads {
		for i := range w.Containers {
			if c := &w.Containers[i]; !governed[id{w, c}] {
				out = append(out, &ir.Unit{Name: w.Namespace + "-" + w.Name + "_" + c.Name, Namespace: w.Namespace, Workload: w, Container: c, Enforced: &ir.Layer{}})
			}
		}
	}
	return out
}

// key is a rule of a policy, or a default.
type key struct{ policy, rule string }

// facts are shared by all views of a run, and not changed while they are made.
type facts struct {
	in    Input
	pools []*Pool
	// said has the answers of back-ends without their status, which of several
	// is the weakest.
	said map[key]map[Held]emit.Status
}

func (f *facts) note(pool *platform.Pool, l emit.Lowering) {
	k := key{l.Policy.ID(), l.Rule}
	if f.said[k] == nil {
		f.said[k] = map[Held]emit.Status{}
	}
	h := Held{Pool: pool.Name, Target: l.Target, Reason: l.Reason}
	f.said[k][h] = max(f.said[k][h], l.Status)
}

// held lists the weakest answer of each back-end about a rule.
func (f *facts) held(p *policy.Policy, rule string) []Held {
	said := f.said[key{p.ID(), rule}]
	out := make([]Held, 0, len(said))
	for h, status := range said {
		h.Status = status.String()
		out = append(out, h)
	}
	weakest := func(a, b Held) int { return cmp.Compare(said[withoutStatus(b)], said[withoutStatus(a)]) }
	slices.SortFunc(out, func(a, b Held) int {
		return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Target, b.Target), weakest(a, b), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.CompactFunc(out, func(a, b Held) bool { return a.Pool == b.Pool && a.Target == b.Target })
}

func withoutStatus(h Held) Held {
	h.Status = ""
	return h
}

// builder makes one view.
type builder struct {
	*facts
	places Places
	known  map[diag.Span]At
}

func (f *facts) builder() *builder {
	return &builder{facts: f, places: Places{{}}, known: map[diag.Span]At{{}: 0}}
}

// at numbers a place. One place has one number.
func (b *builder) at(s diag.Span) Node {
	at, ok := b.known[s]
	if !ok {
		at = At(len(b.places))
		b.known[s] = at
		b.places = append(b.places, s)
	}
	return Node{at}
}

func (b *builder) pool(p *platform.Pool) *Pool {
	out := &Pool{
		Node: b.at(p.Span), Name: p.Name, LSM: words(p.LSMs), Targets: words(p.Targets),
		Kernel:     Version{int(p.Kernel.Major), int(p.Kernel.Minor)},
		Kubernetes: version(p.Kubernetes),
		CNI:        Software{p.CNI.Name, version(p.CNI.Version)},
		Runtime:    Software{p.Runtime.Name, version(p.Runtime.Version)},
		Takes:      []string{}, Architectures: []string{},
	}
	for _, a := range p.Architectures {
		out.Architectures = append(out.Architectures, string(a))
	}
	for _, t := range targets.All() {
		if len(t.Sections) > 0 && t.Takes(p) == nil {
			out.Takes = append(out.Takes, t.Name)
		}
	}
	return out
}

func version(v platform.Version) Version { return Version{v.Major, v.Minor} }

// words never is nil, so that it is [] in JSON.
func words(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
