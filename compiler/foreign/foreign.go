// SPDX-License-Identifier: Apache-2.0

// Package foreign reads policies of other projects and writes RuntimePolicies of
// the same meaning: seccomp profiles, NetworkPolicy, CiliumNetworkPolicy and
// KubeArmorPolicy.
//
// What a RuntimePolicy cannot say is left out, said in a comment, and reported
// as a finding; nothing is dropped silently, also no key that is not known here.
// A rule that would say something else without what it lacks is left out whole.
package foreign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/syntax"
)

// Options say what a source does not.
type Options struct {
	// Name, Namespace and Labels are for seccomp profiles, which select nothing;
	// Name is also for sources without one.
	Name, Namespace string
	// Labels are those of the pods, as key=value.
	Labels []string
}

// Import reads all documents of a file and returns the policies as YAML, nil
// when there is none. Findings are about what is not carried over.
func Import(file *diag.File, options Options, list *diag.List) []byte {
	if text := strings.TrimLeft(string(file.Source), " \t\r\n"); strings.HasPrefix(text, "{") {
		file = diag.NewFile(file.Name, spaces(file.Source))
	}
	var out []string
	for _, doc := range syntax.Parse(file, list) {
		for _, d := range convert(doc, options, list) {
			out = append(out, d.String())
		}
	}
	if out == nil {
		return nil
	}
	return []byte(strings.Join(out, "---\n"))
}

// spaces replaces the tabs that JSON may be indented with, which YAML refuses;
// places stay where they are.
func spaces(source []byte) []byte {
	out := slices.Clone(source)
	indent := true
	for i, b := range out {
		switch {
		case b == '\n':
			indent = true
		case b == '\t' && indent:
			out[i] = ' '
		case b != ' ':
			indent = false
		}
	}
	return out
}

// convert finds out what a document is.
func convert(doc *syntax.Node, options Options, list *diag.List) []*draft {
	apiVersion, kind := "", ""
	if n := doc.Get("apiVersion"); n != nil {
		apiVersion = n.Value
	}
	if n := doc.Get("kind"); n != nil {
		kind = n.Value
	}
	c := &converter{list: list, options: options}
	group, _, _ := strings.Cut(apiVersion, "/")
	switch {
	case doc.Get("defaultAction") != nil:
		return c.seccomp(doc)
	case group == "networking.k8s.io" && kind == "NetworkPolicy":
		return c.networkPolicy(doc)
	case group == "cilium.io" && kind == "CiliumNetworkPolicy":
		return c.cilium(doc)
	case group == "security.kubearmor.com" && kind == "KubeArmorPolicy":
		return c.kubeArmor(doc)
	}
	c.lost(nil, doc.Span, "this is neither a seccomp profile nor a NetworkPolicy, CiliumNetworkPolicy or KubeArmorPolicy")
	return nil
}

// converter reads one document.
type converter struct {
	list    *diag.List
	options Options
}

// lost reports what is not carried over, and remembers it for a comment.
func (c *converter) lost(comments *[]string, at diag.Span, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	c.list.Report(diag.NotImported, at, message)
	if comments != nil {
		*comments = append(*comments, "not carried over: "+message)
	}
}

// object reads the keys of a mapping and knows which were asked for.
type object struct {
	c     *converter
	node  *syntax.Node
	what  string
	asked []string
}

func (c *converter) object(n *syntax.Node, what string) *object {
	return &object{c: c, node: n, what: what}
}

func (o *object) get(key string) *syntax.Node {
	o.asked = append(o.asked, key)
	n := o.node.Get(key)
	if n != nil && n.Kind == syntax.Null {
		return nil
	}
	return n
}

func (o *object) has(key string) bool { return o.get(key) != nil }

func (o *object) text(key string) string {
	if n := o.get(key); n != nil {
		return n.Value
	}
	return ""
}

func (o *object) list(key string) []*syntax.Node {
	if n := o.get(key); n != nil {
		return n.Items
	}
	return nil
}

func (o *object) texts(key string) []string {
	var out []string
	for _, n := range o.list(key) {
		out = append(out, n.Value)
	}
	return out
}

// complete says whether everything was asked for, and reports what was not.
func (o *object) complete(comments *[]string) bool {
	ok := true
	if o.node == nil {
		return true
	}
	for _, f := range o.node.Fields {
		if !slices.Contains(o.asked, f.Key) {
			o.c.lost(comments, f.Span, "%s of %s", f.Key, o.what)
			ok = false
		}
	}
	return ok
}

// metadata reads name and namespace.
func (c *converter) metadata(doc *object) (name, namespace string) {
	meta := c.object(doc.get("metadata"), "metadata")
	name, namespace = meta.text("name"), meta.text("namespace")
	if namespace == "" {
		namespace = "default"
	}
	return name, namespace
}
