// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// operators are those of libseccomp, as OCI profiles spell them.
var operators = map[string]policy.ArgOp{
	"SCMP_CMP_EQ": policy.ArgEqual, "SCMP_CMP_NE": policy.ArgNotEqual, "SCMP_CMP_LT": policy.ArgLess, "SCMP_CMP_LE": policy.ArgLessEqual,
	"SCMP_CMP_GT": policy.ArgGreater, "SCMP_CMP_GE": policy.ArgGreaterEqual, "SCMP_CMP_MASKED_EQ": policy.ArgMaskedEqual,
}

// seccomp reads a profile of the OCI runtime specification (LinuxSeccomp), which
// is also what localhostProfile names.
func (c *converter) seccomp(doc *syntax.Node) []*draft {
	o := c.object(doc, "the profile")
	d := &draft{name: c.options.Name, namespace: c.options.Namespace, selector: c.selector()}
	if d.name == "" {
		d.name = "seccomp"
	}
	if d.namespace == "" {
		d.namespace = "default"
	}
	s := d.section(policy.Syscalls)
	fallback := o.text("defaultAction")
	action, exact := c.action(fallback)
	if !exact {
		c.lost(&s.comments, doc.Get("defaultAction").Span, "defaultAction %s: the default blocks with EPERM", fallback)
	}
	if n := o.get("defaultErrnoRet"); n != nil && action == policy.Block && n.Value != "1" {
		c.lost(&s.comments, n.Span, "defaultErrnoRet %s: the default blocks with EPERM", n.Value)
	}
	o.asked = append(o.asked, "architectures", "archMap") // names are checked on every architecture of a pool
	s.keys = []string{field("default", action.String()), "base: None"}
	d.accept = []string{`{rule: syscalls/base, reason: "the imported profile stood in place of the runtime's default one"}`}
	allowed, refused := map[string]bool{}, map[string]bool{}
	for _, n := range o.list("syscalls") {
		c.seccompRule(s, n, fallback, o.text("defaultErrnoRet"), allowed, refused)
	}
	for _, name := range slices.Sorted(slices.Values(keys(allowed))) {
		if refused[name] {
			c.lost(&s.comments, doc.Span, "%s has rules with different actions: where several match, the Block holds", name)
		}
	}
	o.complete(&d.comments)
	return []*draft{d}
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// selector writes the labels of the options.
func (c *converter) selector() string {
	var out []string
	for _, l := range c.options.Labels {
		key, value, _ := strings.Cut(l, "=")
		out = append(out, field(text(key), text(value)))
	}
	if len(out) == 0 {
		return "{}"
	}
	return "{matchLabels: {" + strings.Join(out, ", ") + "}}"
}

// action translates an action of seccomp; exact is false for one that does more
// than to refuse the call.
func (c *converter) action(word string) (a policy.Action, exact bool) {
	switch word {
	case "SCMP_ACT_ALLOW":
		return policy.Allow, true
	case "SCMP_ACT_LOG":
		return policy.Audit, true
	}
	return policy.Block, word == "SCMP_ACT_ERRNO"
}

func (c *converter) seccompRule(s *section, n *syntax.Node, fallback, fallbackErrno string, allowed, refused map[string]bool) {
	o := c.object(n, "a rule")
	o.asked = append(o.asked, "comment")
	word := o.text("action")
	action, exact := c.action(word)
	r := rule{}
	if !exact {
		c.lost(&r.comments, n.Get("action").Span, "%s: the rule blocks with EPERM", word)
	}
	errno := o.text("errnoRet")
	names := o.texts("names")
	if name := o.text("name"); name != "" {
		names = append(names, name)
	}
	conditions := o.list("args")
	for _, key := range []string{"includes", "excludes"} {
		if cond := o.get(key); cond != nil && len(cond.Fields) > 0 {
			c.lost(&s.comments, cond.Span, "%s: the rule holds under conditions on the node or container, and is left out: %s", key, strings.Join(names, ", "))
			return
		}
	}
	if !o.complete(&s.comments) {
		return
	}
	if word == fallback && (errno == fallbackErrno || action != policy.Block) {
		return // runtimes do not add such rules
	}
	known := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(linux.SyscallArches(name)) == 0 })
	if len(known) < len(names) {
		unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(known, name) })
		c.lost(&r.comments, n.Span, "system calls that are not known, which runtimes ignore: %s", strings.Join(unknown, ", "))
	}
	if len(known) == 0 {
		return
	}
	for _, name := range known {
		if action == policy.Block {
			refused[name] = true
		} else {
			allowed[name] = true
		}
	}
	r.name = strings.ToLower(action.String()) + "-" + known[0]
	r.fields = []string{field("action", action.String()), field("names", texts(known))}
	if action == policy.Block && errno != "" {
		name := errnoName(errno)
		if name == "" {
			c.lost(&r.comments, n.Span, "errnoRet %s: the rule blocks with EPERM", errno)
		} else {
			r.fields = append(r.fields, field("errno", name))
		}
	}
	for _, args := range c.arguments(&r, conditions) {
		one := r
		one.fields = slices.Clone(r.fields)
		if len(args) > 0 {
			one.fields = append(one.fields, field("args", "["+strings.Join(args, ", ")+"]"))
		}
		s.add(one)
	}
}

// errnoName returns the name of an error number, or "".
func errnoName(number string) string {
	for _, name := range linux.ErrnoNames() {
		if n, ok := linux.Errno(name); ok && strconv.Itoa(n) == number {
			return name
		}
	}
	return ""
}

// arguments returns the lists of conditions of the rules that one rule becomes.
// Two conditions on one argument are ORed by runc and crun, those on other
// arguments as well: each becomes a rule of its own.
func (c *converter) arguments(r *rule, list []*syntax.Node) [][]string {
	var all []string
	seen := map[string]bool{}
	twice := false
	for _, n := range list {
		o := c.object(n, "a condition")
		index, op := o.text("index"), o.text("op")
		value, two := o.text("value"), o.text("valueTwo")
		o.complete(&r.comments)
		twice = twice || seen[index]
		seen[index] = true
		spelled, ok := operators[op]
		if !ok {
			c.lost(&r.comments, n.Span, "operator %s", op)
			return nil
		}
		if value == "" {
			value = "0"
		}
		if spelled == policy.ArgMaskedEqual {
			if two == "" {
				two = "0"
			}
			all = append(all, fmt.Sprintf("{index: %s, op: %s, mask: %s, value: %s}", index, spelled, value, two))
			continue
		}
		all = append(all, fmt.Sprintf("{index: %s, op: %s, value: %s}", index, spelled, value))
	}
	if !twice {
		return [][]string{all}
	}
	var out [][]string
	for _, a := range all {
		out = append(out, []string{a})
	}
	return out
}
