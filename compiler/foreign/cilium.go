// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// cilium reads a CiliumNetworkPolicy of cilium.io/v2. Each of its rules selects
// endpoints by itself and becomes a policy.
func (c *converter) cilium(doc *syntax.Node) []*draft {
	top := c.object(doc, "the policy")
	top.asked = append(top.asked, "apiVersion", "kind", "status")
	name, namespace := c.metadata(top)
	specs := top.list("specs")
	if spec := top.get("spec"); spec != nil {
		specs = append([]*syntax.Node{spec}, specs...)
	}
	var out []*draft
	for i, n := range specs {
		d := &draft{name: name, namespace: namespace}
		if len(specs) > 1 {
			d.name = fmt.Sprintf("%s-%d", name, i+1)
		}
		c.ciliumRule(d, n)
		out = append(out, d)
	}
	if len(out) > 0 {
		top.complete(&out[0].comments)
	}
	return out
}

func (c *converter) ciliumRule(d *draft, n *syntax.Node) {
	o := c.object(n, "a rule")
	o.asked = append(o.asked, "labels")
	if about := o.text("description"); about != "" {
		d.comments = append(d.comments, about)
	}
	d.selector = "{}"
	if s := o.get("endpointSelector"); s != nil {
		selector, namespaces, ok := c.endpoints(s, &d.comments)
		if !ok || namespaces != "" {
			c.lost(&d.comments, s.Span, "endpointSelector with labels that are not those of a pod: the policy would select others")
		}
		d.selector = selector
	}
	s := d.section(policy.Network)
	deny := c.object(o.get("enableDefaultDeny"), "enableDefaultDeny")
	sides := []struct{ key, direction, prefix string }{{"ingress", "Ingress", "from"}, {"egress", "Egress", "to"}}
	blocks := map[string]bool{}
	for _, side := range sides {
		// A direction that has rules is denied by default (Cilium, "Policy
		// Enforcement Modes").
		blocks[side.direction] = len(o.list(side.key))+len(o.list(side.key+"Deny")) > 0
		if deny.node != nil && deny.has(side.key) {
			blocks[side.direction] = deny.text(side.key) == "true"
		}
	}
	s.keys = []string{field("default", directions(blocks["Ingress"], blocks["Egress"]))}
	for _, side := range sides {
		for _, r := range o.list(side.key) {
			c.ciliumDirection(s, r, "Allow", side.direction, side.prefix)
		}
		for _, r := range o.list(side.key + "Deny") {
			c.ciliumDirection(s, r, "Block", side.direction, side.prefix)
		}
	}
	deny.complete(&d.comments)
	o.complete(&d.comments)
}

// ciliumDirection reads one rule of a direction. Its kinds of peers exclude each
// other; what it says of ports may be several lists with requests of their own.
func (c *converter) ciliumDirection(s *section, n *syntax.Node, action, direction, prefix string) {
	o := c.object(n, "a rule")
	r := rule{name: strings.ToLower(action + "-" + direction)}
	var peers []string
	anybody, whole := false, true
	named := false
	for _, key := range []string{prefix + "Endpoints", prefix + "CIDR", prefix + "CIDRSet", prefix + "Entities", "toFQDNs"} {
		named = named || n.Get(key) != nil // also an empty list, which names nobody
	}
	for _, e := range o.list(prefix + "Endpoints") {
		pods, namespaces, ok := c.endpoints(e, &r.comments)
		if whole = whole && ok; !ok {
			continue
		}
		peer := "{podSelector: " + pods
		if namespaces != "" {
			peer += ", namespaceSelector: " + namespaces
		}
		peers = append(peers, peer+"}")
	}
	for _, p := range o.texts(prefix + "CIDR") {
		peers = append(peers, "{cidr: "+text(prefixOf(p))+"}")
	}
	for _, p := range o.list(prefix + "CIDRSet") {
		b := c.object(p, "a CIDR")
		peer := "{cidr: " + text(prefixOf(b.text("cidr")))
		if except := b.texts("except"); len(except) > 0 {
			peer += ", except: " + texts(except)
		}
		if whole = b.complete(&r.comments) && whole; b.text("cidr") != "" {
			peers = append(peers, peer+"}")
		}
	}
	for _, e := range o.list(prefix + "Entities") {
		switch e.Value {
		case "all":
			anybody = true
		case "world":
			peers = append(peers, "{cidr: 0.0.0.0/0}", `{cidr: "::/0"}`)
		case "world-ipv4":
			peers = append(peers, "{cidr: 0.0.0.0/0}")
		case "world-ipv6":
			peers = append(peers, `{cidr: "::/0"}`)
		default:
			c.lost(&r.comments, e.Span, "the entity %s", e.Value)
			whole = false
		}
	}
	for _, f := range o.list("toFQDNs") {
		b := c.object(f, "a name")
		switch pattern := b.text("matchPattern"); {
		case b.text("matchName") != "":
			peers = append(peers, "{fqdn: "+text(b.text("matchName"))+"}")
		case pattern == "*", strings.Contains(pattern, "**"):
			c.lost(&r.comments, f.Span, "the pattern of names %s, which crosses labels", pattern)
			whole = false
		default:
			peers = append(peers, "{fqdn: "+text(pattern)+"}")
		}
	}
	ports := o.list("toPorts")
	if !o.complete(&r.comments) || named && len(peers) == 0 && !anybody || !named && len(ports) == 0 {
		// A rule without peers and ports allows nothing.
		s.comments = append(s.comments, r.comments...)
		return
	}
	if action == "Block" && !whole {
		r.comments = append(r.comments, "the rule blocks less than the one that was imported")
	}
	r.fields = []string{field("action", action), field("direction", direction)}
	if named && !anybody {
		r.fields = append(r.fields, field("peers", "["+strings.Join(peers, ", ")+"]"))
	}
	if len(ports) == 0 {
		s.add(r)
		return
	}
	for _, p := range ports {
		one := rule{name: r.name, comments: slices.Clone(r.comments), fields: slices.Clone(r.fields)}
		if c.toPorts(&one, p) {
			s.add(one)
		} else {
			s.comments = append(s.comments, one.comments...)
		}
	}
}

// prefixOf writes an address as a prefix of its own.
func prefixOf(s string) string {
	switch {
	case s == "" || strings.Contains(s, "/"):
		return s
	case strings.Contains(s, ":"):
		return s + "/128"
	}
	return s + "/32"
}

// toPorts reads ports and the requests that may go there.
func (c *converter) toPorts(r *rule, n *syntax.Node) bool {
	o := c.object(n, "toPorts")
	var ports []string
	for _, p := range o.list("ports") {
		b := c.object(p, "a port")
		protocol, port, end := b.text("protocol"), b.text("port"), b.text("endPort")
		protocols := []string{protocol}
		if protocol == "" || protocol == "ANY" {
			protocols = []string{"TCP", "UDP", "SCTP"}
		}
		if !b.complete(&r.comments) {
			continue
		}
		for _, protocol := range protocols {
			if port, ok := c.port(p, protocol, port, end, &r.comments); ok {
				ports = append(ports, port)
			}
		}
	}
	var requests []string
	rules := c.object(o.get("rules"), "rules")
	for _, h := range rules.list("http") {
		b := c.object(h, "a request")
		var parts []string
		if m := b.text("method"); m != "" {
			parts = append(parts, field("method", text(m)))
		}
		if p := b.text("path"); p != "" {
			parts = append(parts, field("pathRegex", text(p)))
		}
		if !b.complete(&r.comments) || len(parts) == 0 {
			continue
		}
		requests = append(requests, "{"+strings.Join(parts, ", ")+"}")
	}
	http := len(rules.list("http")) > 0
	for _, dns := range rules.list("dns") {
		b := c.object(dns, "a DNS rule")
		if pattern := b.text("matchPattern"); pattern != "*" {
			c.lost(&r.comments, dns.Span, "which names may be asked for (%s%s): the rule lets all be asked for", b.text("matchName"), pattern)
		}
	}
	rules.complete(&r.comments)
	if !o.complete(&r.comments) || len(o.list("ports")) > 0 && len(ports) == 0 || http && len(requests) == 0 {
		return false
	}
	if len(ports) > 0 {
		r.fields = append(r.fields, field("ports", "["+strings.Join(ports, ", ")+"]"))
	}
	if len(requests) > 0 {
		r.fields = append(r.fields, field("http", "["+strings.Join(requests, ", ")+"]"))
	}
	return true
}

// endpoints translates a selector of endpoints: labels of pods, and those that
// say which namespace, which Cilium puts beside them. No namespace is the
// policy's own.
func (c *converter) endpoints(n *syntax.Node, comments *[]string) (pods, namespaces string, ok bool) {
	const own = "io.kubernetes.pod.namespace"
	const labels = "io.cilium.k8s.namespace.labels."
	o := c.object(n, "a selector")
	var podPairs, podRequirements, namespacePairs, namespaceRequirements []string
	ok = true
	place := func(key string, at *syntax.Node) (name string, namespace bool) {
		for _, source := range []string{"k8s:", "any:"} {
			key = strings.TrimPrefix(key, source)
		}
		switch rest, isLabel := strings.CutPrefix(key, labels); {
		case key == own:
			return "kubernetes.io/metadata.name", true
		case isLabel:
			return rest, true
		case strings.HasPrefix(key, "reserved:"), strings.HasPrefix(key, "io.cilium."), strings.Contains(key, ":"):
			c.lost(comments, at.Span, "the label %s", key)
			ok = false
		}
		return key, false
	}
	if m := o.get("matchLabels"); m != nil {
		for _, f := range m.Fields {
			key, namespace := place(f.Key, f.Value)
			pair := field(text(key), text(f.Value.Value))
			if namespace {
				namespacePairs = append(namespacePairs, pair)
			} else {
				podPairs = append(podPairs, pair)
			}
		}
	}
	for _, e := range o.list("matchExpressions") {
		r := c.object(e, "a requirement")
		key, namespace := place(r.text("key"), e)
		one := fmt.Sprintf("{key: %s, operator: %s", text(key), r.text("operator"))
		if values := r.texts("values"); len(values) > 0 {
			one += ", values: " + texts(values)
		}
		ok = r.complete(comments) && ok
		if namespace {
			namespaceRequirements = append(namespaceRequirements, one+"}")
		} else {
			podRequirements = append(podRequirements, one+"}")
		}
	}
	ok = o.complete(comments) && ok
	namespaces = selectorOf(namespacePairs, namespaceRequirements)
	if namespaces == "{}" {
		namespaces = ""
	}
	return selectorOf(podPairs, podRequirements), namespaces, ok
}

func selectorOf(pairs, requirements []string) string {
	var parts []string
	if len(pairs) > 0 {
		parts = append(parts, "matchLabels: {"+strings.Join(pairs, ", ")+"}")
	}
	if len(requirements) > 0 {
		parts = append(parts, "matchExpressions: ["+strings.Join(requirements, ", ")+"]")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
