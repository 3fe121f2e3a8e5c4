// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

// duplicates reports rules of one section that differ by name only.
func duplicates(p *policy.Policy, list *diag.List) {
	first := map[string]*policy.Rule{}
	seen := func(r *policy.Rule, parts ...string) {
		key := strings.Join(append(parts, r.ID()[:len(r.ID())-len(r.Name)], r.Action.String(), fromKey(r.From), fmt.Sprint(r.Quiet)), "\x00")
		if before, ok := first[key]; ok {
			list.Report(diag.DuplicateRule, r.NameSpan, fmt.Sprintf("rule %s says the same as %s", r.ID(), before.ID()), diag.See(before.NameSpan, "the same"))
			return
		}
		first[key] = r
	}
	for _, s := range []*policy.PathSection{p.Process, p.File} {
		if s != nil {
			for i := range s.Rules {
				r := &s.Rules[i]
				seen(&r.Rule, r.Access.String(), fmt.Sprint(r.Anonymous), words(texts(r.Paths)), words(texts(r.Names)))
			}
		}
	}
	if s := p.Network; s != nil {
		for i := range s.Rules {
			r := &s.Rules[i]
			seen(&r.Rule, r.Direction.String(), keysOf(r.Peers, peerKey), keysOf(r.Ports, portKey), keysOf(r.HTTP, httpKey), words(r.Families), words(r.Types))
		}
	}
	if s := p.Syscalls; s != nil {
		for i := range s.Rules {
			r := &s.Rules[i]
			seen(&r.Rule, words(texts(r.Names)), fmt.Sprint(r.Errno), keysOf(r.Args, func(a policy.Arg) string { return fmt.Sprint(a) }))
		}
	}
	if s := p.Capabilities; s != nil {
		for i := range s.Rules {
			seen(&s.Rules[i].Rule, words(texts(s.Rules[i].Names)))
		}
	}
	if s := p.System; s != nil {
		for i := range s.Rules {
			seen(&s.Rules[i].Rule, keysOf(s.Rules[i].Operations, policy.SystemOperation.String))
		}
	}
}

// words joins words in a canonical order.
func words(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, "\x01")
}

func keysOf[T any](items []T, key func(T) string) string {
	var out []string
	for _, item := range items {
		out = append(out, key(item))
	}
	return words(out)
}

// fromKey is the same for conditions that say the same, and "" for none.
func fromKey(f *policy.From) string {
	if f == nil {
		return ""
	}
	return words(texts(f.Exe)) + "\x02" + words(texts(f.Parent)) + "\x02" + words(texts(f.Ancestor))
}

func peerKey(p policy.Peer) string {
	return fmt.Sprint(p.Kind, selectorKey(p.Pods), selectorKey(p.Namespaces), p.CIDR, keysOf(p.Except, netip.Prefix.String), p.FQDN)
}

func selectorKey(s *policy.Selector) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprint(s.Requirements)
}

func portKey(p policy.Port) string { return fmt.Sprint(p.Protocol, p.Port, p.EndPort) }

func httpKey(h policy.HTTPMatch) string {
	return fmt.Sprintf("%q %q %q %q", h.Method, h.Path, h.PathPrefix, h.PathRegex)
}
