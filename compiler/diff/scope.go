// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/policy"
)

// Side is one of two revisions.
type Side struct {
	Set     *policy.Set
	Program *ir.Program
	// Alone lowers one policy as if no workload were known.
	Alone func(*policy.Policy) *ir.Unit
	// Floors returns the default profiles that a unit's container runs under.
	Floors func(*ir.Unit) []Floor
}

// Scope is a container, or the pods that a policy selects which is compiled
// without a workload, and what changes there.
type Scope struct {
	// Name is that of a policy, or of a workload and its container.
	Name string
	// Pods says which pods or containers of a policy are meant, when the
	// revisions select different ones; else "".
	Pods    string
	Changes []Change
}

// Sides compares two revisions. Containers that only one of them has are not
// compared, since nothing runs there on the other side; a container that is no
// longer governed, or was not, is compared with no policy at all.
func Sides(old, new Side) ([]Scope, error) {
	var out []Scope
	add := func(s Scope, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		if len(s.Changes) > 0 {
			out = append(out, s)
		}
		return nil
	}
	olds, news, before := containers(old.Program), containers(new.Program), allContainers(old.Set)
	for _, w := range new.Set.Workloads {
		for i := range w.Containers {
			name := containerName(w, &w.Containers[i])
			if !before[name] {
				continue
			}
			changes, err := units(unitOr(olds[name]), unitOr(news[name]), floorsOf(old, new, olds[name], news[name]))
			if err := add(Scope{Name: name, Changes: changes}, err); err != nil {
				return nil, err
			}
		}
	}
	alone := map[string][2]*policy.Policy{}
	byID := [2]map[string]*policy.Policy{{}, {}}
	for side, s := range []Side{old, new} {
		for _, p := range s.Set.Policies {
			byID[side][p.ID()] = p
		}
	}
	for _, s := range []Side{old, new} {
		for _, u := range s.Program.Units {
			if u.Workload != nil {
				continue
			}
			id := u.Policies[0].ID()
			alone[id] = [2]*policy.Policy{byID[0][id], byID[1][id]}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(alone)) {
		scopes, err := policies(id, alone[id], old, new)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		out = append(out, scopes...)
	}
	slices.SortStableFunc(out, func(a, b Scope) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Pods, b.Pods)) })
	return out, nil
}

func containerName(w *policy.Workload, c *policy.Container) string {
	return fmt.Sprintf("%s %s/%s, container %s", w.Kind, w.Namespace, w.Name, c.Name)
}

func containers(p *ir.Program) map[string]*ir.Unit {
	out := map[string]*ir.Unit{}
	for _, u := range p.Units {
		if u.Workload != nil {
			out[containerName(u.Workload, u.Container)] = u
		}
	}
	return out
}

// allContainers lists the containers of all workloads, governed or not.
func allContainers(s *policy.Set) map[string]bool {
	out := map[string]bool{}
	for _, w := range s.Workloads {
		for i := range w.Containers {
			out[containerName(w, &w.Containers[i])] = true
		}
	}
	return out
}

// unitOr returns a unit that nothing governs in place of none.
func unitOr(u *ir.Unit) *ir.Unit {
	if u == nil {
		return &ir.Unit{Enforced: &ir.Layer{}}
	}
	return u
}

// floorsOf returns those of the new side, or of the one that governs at all.
func floorsOf(old, new Side, was, is *ir.Unit) func() []Floor {
	return func() []Floor {
		if is == nil {
			return old.Floors(was)
		}
		return new.Floors(is)
	}
}

// units compares what is enforced, and each policy in mode Audit by itself.
func units(old, new *ir.Unit, floors func() []Floor) ([]Change, error) {
	changes, err := compare(old.Enforced, new.Enforced, floors)
	if err != nil {
		return nil, err
	}
	var ids []string
	find := func(u *ir.Unit, id string) *ir.Layer {
		for _, l := range u.Audits {
			if l.Policies[0].ID() == id {
				return l
			}
		}
		return &ir.Layer{}
	}
	for _, u := range []*ir.Unit{old, new} {
		for _, l := range u.Audits {
			if id := l.Policies[0].ID(); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		would, err := compare(find(old, id), find(new, id), floors)
		if err != nil {
			return nil, err
		}
		for _, ch := range would {
			ch.Audit = id
			changes = append(changes, ch)
		}
	}
	return changes, nil
}

// compare is Layers, but for policies that are written alike.
func compare(old, new *ir.Layer, floors func() []Floor) ([]Change, error) {
	if slices.EqualFunc(old.Policies, new.Policies, alike) {
		return nil, nil
	}
	return Layers(old, new, floors())
}

// policies compares the revisions of a policy that is compiled without a
// workload: for the pods and containers that both select, and for those that
// only one does.
func policies(id string, pair [2]*policy.Policy, old, new Side) ([]Scope, error) {
	if pair[0] != nil && pair[1] != nil && alike(pair[0], pair[1]) {
		return nil, nil
	}
	var whole [2]*ir.Unit
	for side, s := range []Side{old, new} {
		whole[side] = unitOr(nil)
		if pair[side] != nil {
			whole[side] = s.Alone(pair[side])
		}
	}
	floors := floorsOf(old, new, whole[0], unitIf(pair[1], whole[1]))
	var out []Scope
	for _, pods := range podsOf(pair) {
		for i, in := range containersOf(pair) {
			var us [2]*ir.Unit
			for side := range us {
				us[side] = part(whole[side], pods.in[side], in.in[side], i == 0)
			}
			changes, err := units(us[0], us[1], floors)
			if err != nil {
				return nil, err
			}
			if len(changes) > 0 {
				text := strings.TrimPrefix(pods.text+", "+in.text, ", ")
				out = append(out, Scope{Name: id, Pods: strings.TrimSuffix(text, ", "), Changes: changes})
			}
		}
	}
	return out, nil
}

func unitIf(p *policy.Policy, u *ir.Unit) *ir.Unit {
	if p == nil {
		return nil
	}
	return u
}

// part returns what a unit says about some pods and containers: nothing where
// its policy does not select the pods, and about the network alone where it does
// not name the container. The network is that of the whole pod, and is looked at
// once.
func part(u *ir.Unit, pods, containers, network bool) *ir.Unit {
	if !pods {
		return unitOr(nil)
	}
	out := &ir.Unit{}
	layer := func(l *ir.Layer) *ir.Layer {
		cut := *l
		if !containers {
			cut.Paths, cut.Syscalls, cut.Capabilities, cut.System = nil, nil, nil, nil
		}
		if !network {
			cut.Network = nil
		}
		return &cut
	}
	out.Enforced = layer(u.Enforced)
	for _, l := range u.Audits {
		out.Audits = append(out.Audits, layer(l))
	}
	return out
}

// class is a kind of pods or containers: whether each side selects them.
type class struct {
	text string
	in   [2]bool
}

// podsOf returns the kinds of pods that there are.
func podsOf(pair [2]*policy.Policy) []class {
	a, b := pair[0], pair[1]
	switch {
	case a == nil || b == nil:
		return []class{{in: [2]bool{a != nil, b != nil}}}
	case a.Selector.Equal(b.Selector):
		return []class{{in: [2]bool{true, true}}}
	}
	var out []class
	if !a.Selector.Disjoint(b.Selector) {
		out = append(out, class{"pods that both revisions select", [2]bool{true, true}})
	}
	if text, ok := a.Selector.Beyond(b.Selector); ok {
		out = append(out, class{"pods that are no longer selected (" + text + ")", [2]bool{true, false}})
	}
	if text, ok := b.Selector.Beyond(a.Selector); ok {
		out = append(out, class{"pods that were not selected (" + text + ")", [2]bool{false, true}})
	}
	return out
}

// containersOf returns the kinds of containers that there are.
func containersOf(pair [2]*policy.Policy) []class {
	var names [2][]string
	for side, p := range pair {
		if p != nil {
			names[side] = slices.Sorted(slices.Values(p.Containers))
		}
	}
	if pair[0] == nil || pair[1] == nil || slices.Equal(names[0], names[1]) {
		return []class{{in: [2]bool{true, true}}}
	}
	var out []class
	var other class
	for side := range names {
		other.in[side] = len(names[side]) == 0
	}
	add := func(c class) {
		for i := range out {
			if out[i].in == c.in {
				out[i].text += " and " + strings.TrimPrefix(c.text, "container ")
				return
			}
		}
		if c.in != [2]bool{} {
			out = append(out, c)
		}
	}
	all := slices.Concat(names[0], names[1])
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		c := class{text: "container " + name}
		for side := range names {
			c.in[side] = len(names[side]) == 0 || slices.Contains(names[side], name)
		}
		add(c)
	}
	other.text = "container any other"
	add(other)
	return out
}
