// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// Program lowers valid input. What does not fit the IR's budgets is reported,
// and so are names that collide.
func Program(set *policy.Set, list *diag.List) *ir.Program {
	p := &ir.Program{Workloads: set.Workloads, Units: units(set), Pods: pods(set)}
	names := map[string]*ir.Unit{}
	for _, u := range p.Units {
		if first := names[u.Name]; first != nil {
			list.Report(diag.NameCollision, u.Policies[0].Span, fmt.Sprintf("generated files of %s and %s would both be named %q", first.Policies[0].ID(), u.Policies[0].ID(), u.Name),
				diag.See(first.Policies[0].Span, "the other policy"), diag.Hint("rename one of the policies"))
		}
		names[u.Name] = u
	}
	pods := map[string]*ir.PodNetwork{}
	for _, n := range p.Pods {
		if first := pods[n.Name]; first != nil {
			list.Report(diag.NameCollision, n.Policy.Span, fmt.Sprintf("generated objects of %s and %s would both be named %q", first.Policy.ID(), n.Policy.ID(), n.Name),
				diag.See(first.Policy.Span, "the other policy"), diag.Hint("rename one of the policies"))
		}
		pods[n.Name] = n
	}
	cache := &layers{list: list, made: map[string]*once{}}
	parallel(p.Units, func(u *ir.Unit) {
		var enforced []*policy.Policy
		for _, pol := range u.Policies {
			if pol.Mode == policy.Enforce {
				enforced = append(enforced, pol)
			} else {
				u.Audits = append(u.Audits, cache.get([]*policy.Policy{pol}))
			}
		}
		u.Enforced = cache.get(enforced)
	})
	return p
}

// parallel calls f for every unit, on all processors.
func parallel(units []*ir.Unit, f func(*ir.Unit)) {
	var wg sync.WaitGroup
	next := make(chan *ir.Unit)
	for range min(runtime.GOMAXPROCS(0), len(units)) {
		wg.Go(func() {
			for u := range next {
				f(u)
			}
		})
	}
	for _, u := range units {
		next <- u
	}
	close(next)
	wg.Wait()
}

// layers makes each effective policy once: many containers share one.
type layers struct {
	list *diag.List
	mu   sync.Mutex
	made map[string]*once
}

type once struct {
	sync.Once
	layer *ir.Layer
}

func (c *layers) get(ps []*policy.Policy) *ir.Layer {
	var key strings.Builder
	for _, p := range ps {
		fmt.Fprintf(&key, "%p ", p)
	}
	c.mu.Lock()
	o := c.made[key.String()]
	if o == nil {
		o = &once{}
		c.made[key.String()] = o
	}
	c.mu.Unlock()
	o.Do(func() { o.layer = layer(ps, c.list) })
	return o.layer
}

// units finds the containers and the policies that govern them. A policy that
// selects none of the workloads, or is compiled without any, stands alone.
func units(set *policy.Set) []*ir.Unit {
	var out []*ir.Unit
	used := map[*policy.Policy]bool{}
	narrowed := map[*policy.Policy]*policy.Policy{}
	in := byNamespace(set.Policies, func(p *policy.Policy) string { return p.Namespace })
	for _, w := range set.Workloads {
		var selecting []*policy.Policy
		for _, p := range in[w.Namespace] {
			if p.Selector.Matches(w.Labels) {
				selecting = append(selecting, p)
			}
		}
		for i := range w.Containers {
			c := &w.Containers[i]
			var governing []*policy.Policy
			for _, p := range selecting {
				if len(p.Containers) == 0 || slices.Contains(p.Containers, c.Name) {
					governing = append(governing, p)
					used[p] = true
				} else if p.Network != nil {
					governing = append(governing, networkOnly(p, narrowed))
				}
			}
			if len(governing) > 0 {
				out = append(out, &ir.Unit{Name: unitName(governing, w, c), Namespace: w.Namespace, Policies: governing, Workload: w, Container: c})
			}
		}
	}
	for _, p := range set.Policies {
		if !used[p] {
			ps := []*policy.Policy{p}
			out = append(out, &ir.Unit{Name: unitName(ps, nil, nil), Namespace: p.Namespace, Policies: ps})
		}
	}
	slices.SortStableFunc(out, func(a, b *ir.Unit) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// networkOnly returns what a policy says about containers that it does not
// name: its network section governs the whole pod.
func networkOnly(p *policy.Policy, made map[*policy.Policy]*policy.Policy) *policy.Policy {
	if made[p] == nil {
		made[p] = &policy.Policy{
			Namespace: p.Namespace, Name: p.Name, Span: p.Span, Selector: p.Selector, Containers: p.Containers,
			Mode: p.Mode, Network: p.Network, Accepts: p.Accepts,
		}
	}
	return made[p]
}

// byNamespace groups, so that work does not grow with the square of all input.
func byNamespace[T any](items []T, namespace func(T) string) map[string][]T {
	out := map[string][]T{}
	for _, item := range items {
		out[namespace(item)] = append(out[namespace(item)], item)
	}
	return out
}

// unitName separates parts by characters that Kubernetes names do not have.
func unitName(ps []*policy.Policy, w *policy.Workload, c *policy.Container) string {
	var names []string
	for _, p := range ps {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	name := ps[0].Namespace + "-" + strings.Join(names, "+")
	if w != nil {
		name += "_" + strings.ToLower(w.Kind) + "-" + w.Name + "_" + c.Name
	}
	return ir.ArtifactName(name)
}

// pods collects what CNI back-ends lower.
func pods(set *policy.Set) []*ir.PodNetwork {
	var out []*ir.PodNetwork
	workloads := byNamespace(set.Workloads, func(w *policy.Workload) string { return w.Namespace })
	enforced := slices.DeleteFunc(slices.Clone(set.Policies), func(p *policy.Policy) bool { return p.Network == nil || p.Mode != policy.Enforce })
	in := byNamespace(enforced, func(p *policy.Policy) string { return p.Namespace })
	for _, p := range enforced {
		n := &ir.PodNetwork{Name: ir.ArtifactName(p.Namespace + "-" + p.Name), Policy: p}
		for _, o := range in[p.Namespace] {
			if o != p && !o.Selector.Disjoint(p.Selector) {
				n.Others = append(n.Others, o)
			}
		}
		for _, w := range workloads[p.Namespace] {
			if p.Selector.Matches(w.Labels) {
				n.Workloads = append(n.Workloads, w)
			}
		}
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b *ir.PodNetwork) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
