// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// networkPolicy reads a NetworkPolicy of networking.k8s.io/v1.
func (c *converter) networkPolicy(doc *syntax.Node) []*draft {
	top := c.object(doc, "the policy")
	top.asked = append(top.asked, "apiVersion", "kind", "status")
	d := &draft{}
	d.name, d.namespace = c.metadata(top)
	spec := c.object(top.get("spec"), "spec")
	d.selector = c.labelSelector(spec.get("podSelector"), &d.comments)
	types := spec.texts("policyTypes")
	if len(types) == 0 {
		types = []string{"Ingress"}
		if len(spec.list("egress")) > 0 {
			types = append(types, "Egress")
		}
	}
	s := d.section(policy.Network)
	s.keys = []string{field("default", directions(slices.Contains(types, "Ingress"), slices.Contains(types, "Egress")))}
	for _, side := range []struct{ key, direction, peers string }{{"ingress", "Ingress", "from"}, {"egress", "Egress", "to"}} {
		for _, n := range spec.list(side.key) {
			if slices.Contains(types, side.direction) {
				c.networkPolicyRule(s, n, side.direction, side.peers)
			}
		}
	}
	spec.complete(&d.comments)
	top.complete(&d.comments)
	return []*draft{d}
}

// directions writes the defaults of a network section.
func directions(ingress, egress bool) string {
	word := map[bool]string{true: "Block", false: "Allow"}
	return fmt.Sprintf("{ingress: %s, egress: %s}", word[ingress], word[egress])
}

func (c *converter) networkPolicyRule(s *section, n *syntax.Node, direction, peers string) {
	r := rule{name: strings.ToLower(direction), fields: []string{"action: Allow", field("direction", direction)}}
	o := c.object(n, "a rule")
	var list []string
	whole := true
	for _, p := range o.list(peers) {
		peer, ok := c.networkPolicyPeer(p, &r.comments)
		if whole = whole && ok; ok {
			list = append(list, peer)
		}
	}
	ports := o.list("ports")
	var written []string
	for _, p := range ports {
		if port, ok := c.networkPolicyPort(p, &r.comments); ok {
			written = append(written, port)
		}
	}
	o.complete(&r.comments)
	if len(o.list(peers)) > 0 && len(list) == 0 || len(ports) > 0 && len(written) == 0 {
		// Without what is lost the rule would allow more.
		s.comments = append(s.comments, r.comments...)
		return
	}
	if len(list) > 0 {
		r.fields = append(r.fields, field("peers", "["+strings.Join(list, ", ")+"]"))
	}
	if len(written) > 0 {
		r.fields = append(r.fields, field("ports", "["+strings.Join(written, ", ")+"]"))
	}
	s.add(r)
}

func (c *converter) networkPolicyPeer(n *syntax.Node, comments *[]string) (string, bool) {
	o := c.object(n, "a peer")
	pods, namespaces, block := o.get("podSelector"), o.get("namespaceSelector"), o.get("ipBlock")
	if !o.complete(comments) {
		return "", false
	}
	if block != nil {
		b := c.object(block, "ipBlock")
		peer := "{" + field("cidr", text(b.text("cidr")))
		if except := b.texts("except"); len(except) > 0 {
			peer += ", " + field("except", texts(except))
		}
		return peer + "}", b.complete(comments)
	}
	var parts []string
	if pods != nil {
		parts = append(parts, field("podSelector", c.labelSelector(pods, comments)))
	}
	if namespaces != nil {
		parts = append(parts, field("namespaceSelector", c.labelSelector(namespaces, comments)))
	}
	return "{" + strings.Join(parts, ", ") + "}", len(parts) > 0
}

func (c *converter) networkPolicyPort(n *syntax.Node, comments *[]string) (string, bool) {
	o := c.object(n, "a port")
	protocol, port, end := o.text("protocol"), o.text("port"), o.text("endPort")
	if !o.complete(comments) {
		return "", false
	}
	return c.port(n, protocol, port, end, comments)
}

// port writes a port; a name stands for a number that only the pod knows.
func (c *converter) port(n *syntax.Node, protocol, port, end string, comments *[]string) (string, bool) {
	if protocol == "" {
		protocol = "TCP"
	}
	if !slices.Contains([]string{"TCP", "UDP", "SCTP"}, protocol) {
		c.lost(comments, n.Span, "protocol %s", protocol)
		return "", false
	}
	parts := []string{field("protocol", protocol)}
	if port != "" && port != "0" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			c.lost(comments, n.Span, "the port named %s: write its number", port)
			return "", false
		}
		parts = append(parts, field("port", port))
	}
	if end != "" && end != "0" {
		parts = append(parts, field("endPort", end))
	}
	return "{" + strings.Join(parts, ", ") + "}", true
}

// labelSelector writes a selector of Kubernetes, which is one of avert.
func (c *converter) labelSelector(n *syntax.Node, comments *[]string) string {
	if n == nil {
		return "{}"
	}
	o := c.object(n, "a selector")
	var parts []string
	if labels := o.get("matchLabels"); labels != nil && len(labels.Fields) > 0 {
		var pairs []string
		for _, f := range labels.Fields {
			pairs = append(pairs, field(text(f.Key), text(f.Value.Value)))
		}
		parts = append(parts, "matchLabels: {"+strings.Join(pairs, ", ")+"}")
	}
	if list := o.list("matchExpressions"); len(list) > 0 {
		var out []string
		for _, e := range list {
			r := c.object(e, "a requirement")
			one := fmt.Sprintf("{key: %s, operator: %s", text(r.text("key")), r.text("operator"))
			if values := r.texts("values"); len(values) > 0 {
				one += ", values: " + texts(values)
			}
			r.complete(comments)
			out = append(out, one+"}")
		}
		parts = append(parts, "matchExpressions: ["+strings.Join(out, ", ")+"]")
	}
	o.complete(comments)
	return "{" + strings.Join(parts, ", ") + "}"
}
