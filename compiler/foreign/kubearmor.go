// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// kubeArmor reads a KubeArmorPolicy of security.kubearmor.com/v1.
//
// What rules of action Allow do not name falls to a posture that KubeArmor keeps
// outside of the policy; it is taken to be block.
func (c *converter) kubeArmor(doc *syntax.Node) []*draft {
	top := c.object(doc, "the policy")
	top.asked = append(top.asked, "apiVersion", "kind", "status")
	d := &draft{}
	d.name, d.namespace = c.metadata(top)
	spec := c.object(top.get("spec"), "spec")
	spec.asked = append(spec.asked, "severity", "tags")
	if m := spec.text("message"); m != "" {
		d.comments = append(d.comments, m)
	}
	d.selector = c.armorSelector(d, spec.get("selector"))
	k := &armor{converter: c, draft: d, action: spec.text("action")}
	for _, part := range []struct {
		key     string
		section policy.Section
		read    func(*object, string)
	}{{"process", policy.Process, k.process}, {"file", policy.File, k.file}, {"network", policy.Network, k.network}, {"capabilities", policy.Capabilities, k.capabilities}, {"syscalls", policy.Syscalls, k.syscalls}} {
		n := spec.get(part.key)
		if n == nil {
			continue
		}
		o := c.object(n, part.key)
		o.asked = append(o.asked, "severity", "tags", "message")
		action := k.action
		if own := o.text("action"); own != "" {
			action = own
		}
		s := d.section(part.section)
		part.read(o, action)
		o.complete(&s.comments)
		k.setDefault(part.section, s)
	}
	spec.complete(&d.comments)
	top.complete(&d.comments)
	if k.blocks {
		d.sameSystem()
	}
	return []*draft{d}
}

// armor is a KubeArmorPolicy in progress.
type armor struct {
	*converter
	draft  *draft
	action string
	// blocks says that the policy blocks something of process or file.
	blocks bool
}

// armorSelector reads the selector, in which a label names containers.
func (c *converter) armorSelector(d *draft, n *syntax.Node) string {
	const container = "kubearmor.io/container.name"
	if n == nil {
		return "{}"
	}
	rest := *n
	if labels := n.Get("matchLabels"); labels != nil {
		kept := *labels
		kept.Fields = nil
		for _, f := range labels.Fields {
			if f.Key != container {
				kept.Fields = append(kept.Fields, f)
				continue
			}
			for _, name := range strings.Split(strings.Trim(f.Value.Value, "[] "), ",") {
				d.containers = append(d.containers, strings.TrimSpace(name))
			}
		}
		rest.Fields = nil
		for _, f := range n.Fields {
			if f.Key == "matchLabels" {
				f.Value = &kept
			}
			rest.Fields = append(rest.Fields, f)
		}
	}
	return c.labelSelector(&rest, &d.comments)
}

// setDefault writes the default of a section: Block beside rules that allow.
func (k *armor) setDefault(which policy.Section, s *section) {
	allows := slices.ContainsFunc(s.rules, func(r rule) bool { return slices.Contains(r.fields, "action: Allow") })
	blocks := allows || slices.ContainsFunc(s.rules, func(r rule) bool { return slices.Contains(r.fields, "action: Block") })
	if allows {
		s.comments = append(s.comments, "what rules of action Allow do not name falls to KubeArmor's default posture, which is taken to be block")
	}
	s.keys = append([]string{field("default", map[bool]string{true: "Block", false: "Allow"}[allows])}, s.keys...)
	if (which == policy.Process || which == policy.File) && blocks {
		k.blocks = true
	}
}

// item is one entry of a match list.
type item struct {
	*object
	action string
	rule   rule
}

// item begins a rule; ok is false when it has an action that is not known, or is
// about owners, which policies cannot ask for.
func (k *armor) item(s *section, n *syntax.Node, action string) (*item, bool) {
	o := k.object(n, "an entry")
	o.asked = append(o.asked, "severity", "tags", "message")
	i := &item{object: o, action: action}
	if own := o.text("action"); own != "" {
		i.action = own
	}
	if !slices.Contains([]string{"Allow", "Audit", "Block"}, i.action) {
		k.lost(&s.comments, n.Span, "the action %q", i.action)
		return nil, false
	}
	if o.text("ownerOnly") == "true" {
		k.lost(&s.comments, n.Span, "ownerOnly: whether a process owns a file cannot be asked for; the entry is left out")
		return nil, false
	}
	i.rule.fields = []string{field("action", i.action)}
	return i, true
}

// from writes the programs that an entry is about.
func (i *item) from(comments *[]string) (string, bool) {
	list := i.list("fromSource")
	if len(list) == 0 {
		return "", true
	}
	var exe []string
	for _, n := range list {
		o := i.c.object(n, "fromSource")
		switch dir := o.text("dir"); {
		case o.text("path") != "":
			exe = append(exe, automata.Escape(o.text("path")))
		case dir != "" && o.text("recursive") == "true":
			exe = append(exe, below(dir)+"**")
		case dir != "":
			exe = append(exe, below(dir)+"*")
		}
		if !o.complete(comments) {
			return "", false
		}
	}
	return "from: {exe: " + texts(exe) + "}", len(exe) > 0
}

// below writes a folder as the beginning of a pattern.
func below(dir string) string { return automata.Escape(strings.TrimSuffix(dir, "/")) + "/" }

// finish adds a rule, unless something of its entry was not understood.
func (i *item) finish(s *section, name string) {
	from, ok := i.from(&s.comments)
	if !ok || !i.complete(&s.comments) {
		return
	}
	if from != "" {
		i.rule.fields = append(i.rule.fields, from)
	}
	i.rule.name = strings.ToLower(i.action) + "-" + name
	s.add(i.rule)
}

func (k *armor) process(o *object, action string) {
	k.paths(k.draft.section(policy.Process), o, action, func(*item) string { return "" })
}

// everything is what a file may be used for.
const everything = "[read, write, create, delete, rename, link, setattr, map]"

func (k *armor) file(o *object, action string) {
	k.paths(k.draft.section(policy.File), o, action, func(i *item) string {
		// With readOnly an Allow allows reading alone, and a Block refuses the rest.
		switch readOnly := i.text("readOnly") == "true"; {
		case readOnly && i.action == "Allow":
			return "access: [read, map]"
		case readOnly:
			return "access: [write, create, delete, rename, link, setattr]"
		}
		return "access: " + everything
	})
}

// paths reads the three match lists of process and file.
func (k *armor) paths(s *section, o *object, action string, access func(*item) string) {
	for _, list := range []struct {
		key     string
		pattern func(*item) (string, string)
	}{
		{"matchPaths", func(i *item) (string, string) {
			p := i.text("path")
			if i.text("execname") != "" && p == "" {
				return "/**/" + automata.Escape(i.text("execname")), i.text("execname")
			}
			return automata.Escape(p), p
		}},
		{"matchDirectories", func(i *item) (string, string) {
			dir, stars := i.text("dir"), "*"
			if i.text("recursive") == "true" {
				stars = "**"
			}
			return below(dir) + stars, dir
		}},
		{"matchPatterns", func(i *item) (string, string) { return i.text("pattern"), i.text("pattern") }},
	} {
		for _, n := range o.list(list.key) {
			i, ok := k.item(s, n, action)
			if !ok {
				continue
			}
			pattern, name := list.pattern(i)
			// Negation is spelled otherwise.
			pattern = strings.ReplaceAll(pattern, "[^", "[!")
			if _, err := automata.Parse(pattern); err != nil {
				k.lost(&s.comments, n.Span, "the pattern %s", pattern)
				continue
			}
			if list.key == "matchPatterns" && strings.Contains(pattern, "/**/") {
				i.rule.comments = append(i.rule.comments, "here `/**/` also matches one slash")
			}
			if a := access(i); a != "" {
				i.rule.fields = append(i.rule.fields, a)
			}
			i.rule.fields = append(i.rule.fields, field("paths", texts([]string{pattern})))
			i.finish(s, name)
		}
	}
}

func (k *armor) network(o *object, action string) {
	s := k.draft.section(policy.Network)
	for _, n := range o.list("matchProtocols") {
		i, ok := k.item(s, n, action)
		if !ok {
			continue
		}
		protocol := strings.ToLower(i.text("protocol"))
		switch protocol {
		case "tcp", "udp", "sctp":
			i.rule.fields = append(i.rule.fields, fmt.Sprintf("ports: [{protocol: %s}]", strings.ToUpper(protocol)))
		case "raw", "icmp":
			i.rule.fields = append(i.rule.fields, "types: [raw]")
			if protocol == "icmp" {
				k.lost(&i.rule.comments, n.Span, "icmp: the rule is about all raw sockets")
			}
		default:
			k.lost(&s.comments, n.Span, "protocol %s", protocol)
			continue
		}
		i.finish(s, protocol)
	}
}

func (k *armor) capabilities(o *object, action string) {
	s := k.draft.section(policy.Capabilities)
	for _, n := range o.list("matchCapabilities") {
		i, ok := k.item(s, n, action)
		if !ok {
			continue
		}
		name := strings.TrimPrefix(strings.ToUpper(i.text("capability")), "CAP_")
		if _, known := linux.CapabilityByName(name); !known {
			k.lost(&s.comments, n.Span, "the capability %s", name)
			continue
		}
		i.rule.fields = append(i.rule.fields, field("names", texts([]string{name})))
		i.finish(s, name)
	}
}

func (k *armor) syscalls(o *object, action string) {
	s := k.draft.section(policy.Syscalls)
	for _, n := range o.list("matchSyscalls") {
		i, ok := k.item(s, n, action)
		if !ok {
			continue
		}
		names := i.texts("syscall")
		known := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(linux.SyscallArches(name)) == 0 })
		switch {
		case i.has("fromSource"):
			k.lost(&s.comments, n.Span, "fromSource of system calls: no filter knows which program calls; the entry is left out")
			continue
		case len(known) < len(names) || len(known) == 0:
			k.lost(&s.comments, n.Span, "system calls that are not known: %s", strings.Join(names, ", "))
			continue
		}
		i.rule.fields = append(i.rule.fields, field("names", texts(known)))
		i.finish(s, known[0])
	}
}
