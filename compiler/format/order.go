// SPDX-License-Identifier: Apache-2.0

package format

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// shape is the order of keys in a mapping, or in each mapping of a list, and the shapes of their values. A key that is
// not named keeps its place among its like, after those that are.
type shape struct {
	keys []string
	in   map[string]*shape
}

// documentShapes are the kinds of documents whose keys have an order. Those of other origin keep theirs.
func documentShapes() map[string]*shape {
	keys := func(names ...string) *shape { return &shape{keys: names} }
	section := func(rule *shape, names ...string) *shape {
		return &shape{keys: names, in: map[string]*shape{"rules": rule, "default": keys("ingress", "egress")}}
	}
	selector := &shape{keys: []string{"matchLabels", "matchExpressions"}, in: map[string]*shape{"matchExpressions": keys("key", "operator", "values")}}
	rule := &shape{
		keys: []string{
			"name", "action", "quiet", "direction", "access", "operations", "paths", "names", "anonymous", "from",
			"peers", "ports", "http", "families", "types", "args", "errno",
		},
		in: map[string]*shape{
			"from": keys("exe", "parent", "ancestor"),
			"peers": {
				keys: []string{"podSelector", "namespaceSelector", "cidr", "except", "fqdn", "dns"},
				in:   map[string]*shape{"podSelector": selector, "namespaceSelector": selector},
			},
			"ports": keys("protocol", "port", "endPort"),
			"http":  keys("method", "path", "pathPrefix", "pathRegex"),
			"args":  keys("index", "op", "value", "mask"),
		},
	}
	spec := &shape{
		keys: []string{"selector", "containers", "mode", "process", "file", "network", "syscalls", "capabilities", "system", "accept"},
		in: map[string]*shape{
			"selector":     selector,
			"process":      section(rule, "default", "rules"),
			"file":         section(rule, "default", "rules"),
			"network":      section(rule, "default", "rules"),
			"syscalls":     section(rule, "default", "base", "rules"),
			"capabilities": section(rule, "default", "rules"),
			"system":       section(rule, "default", "rules"),
			"accept":       keys("rule", "target", "reason"),
		},
	}
	pool := &shape{
		keys: []string{"name", "kernel", "lsm", "architectures", "kubernetes", "cni", "runtime", "selinux", "targets"},
		in: map[string]*shape{
			"cni":     {keys: []string{"name", "version", "dns"}, in: map[string]*shape{"dns": keys("namespace", "matchLabels")}},
			"runtime": keys("name", "version"),
			"selinux": keys("toolchain"),
		},
	}
	return map[string]*shape{
		"RuntimePolicy": {
			keys: []string{"apiVersion", "kind", "metadata", "spec"},
			in:   map[string]*shape{"metadata": keys("name", "namespace", "labels", "annotations"), "spec": spec},
		},
		"Config": {
			keys: []string{"apiVersion", "kind", "targets", "pools", "guardrails", "waivers"},
			in: map[string]*shape{
				"pools":      pool,
				"guardrails": {keys: []string{"paths", "key", "ignore", "rules"}, in: map[string]*shape{"rules": keys("id", "level", "parameters")}},
				"waivers":    keys("rule", "paths", "reason", "owner", "expires"),
			},
		},
	}
}

// reorder sorts the keys of a document of avert's own. One with anchors is left alone: an alias must not come before its
// anchor.
func reorder(root *node) {
	if root.yaml.Kind != yaml.MappingNode || root.hasAnchor() {
		return
	}
	field := map[string]string{}
	for _, e := range root.entries {
		field[e.key.yaml.Value] = e.value.yaml.Value
	}
	if s := documentShapes()[field["kind"]]; s != nil && strings.HasPrefix(field["apiVersion"], "avert.dev/") {
		s.sort(root)
	}
}

func (n *node) hasAnchor() bool {
	if n.yaml.Anchor != "" || n.yaml.Kind == yaml.AliasNode {
		return true
	}
	return slices.ContainsFunc(n.entries, func(e *entry) bool { return e.key != nil && e.key.hasAnchor() || e.value.hasAnchor() })
}

func (s *shape) sort(n *node) {
	if s == nil {
		return
	}
	if n.yaml.Kind == yaml.SequenceNode {
		for _, e := range n.entries {
			if e.value.yaml.Kind == yaml.MappingNode {
				s.sort(e.value)
			}
		}
		return
	}
	rank := func(e *entry) int {
		if i := slices.Index(s.keys, e.key.yaml.Value); i >= 0 {
			return i
		}
		return len(s.keys)
	}
	if n.yaml.Kind == yaml.MappingNode {
		slices.SortStableFunc(n.entries, func(a, b *entry) int { return rank(a) - rank(b) })
	}
	for _, e := range n.entries {
		s.in[e.key.yaml.Value].sort(e.value)
	}
}
