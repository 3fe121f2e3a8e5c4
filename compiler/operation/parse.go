// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/suggest"
)

// Parse reads an operation. namespace is that of pods for which none is named.
func Parse(text, namespace string) (policy.Operation, error) {
	words, err := split(text)
	if err != nil {
		return policy.Operation{}, err
	}
	if len(words) == 0 {
		return policy.Operation{}, errors.New("an operation is empty; write one such as: exec /usr/bin/id")
	}
	p := &parser{words: words[1:], namespace: namespace}
	var op policy.Operation
	p.operation(words[0], &op)
	if p.err == nil && p.take("by") {
		for {
			op.Lineage = append(op.Lineage, p.path("an image of the lineage"))
			if p.err != nil || len(p.words) == 0 {
				break
			}
		}
	}
	if p.err == nil && len(p.words) > 0 {
		p.fail("%q is one word too many", p.words[0].text)
	}
	if p.err != nil {
		return policy.Operation{}, p.err
	}
	return op, nil
}

// parser reads the words after the first. The first error stays.
type parser struct {
	words     []word
	namespace string
	err       error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// take reads a keyword if it comes next.
func (p *parser) take(keyword string) bool {
	if len(p.words) == 0 || !p.words[0].is(keyword) {
		return false
	}
	p.words = p.words[1:]
	return true
}

// next reads any word.
func (p *parser) next(what string) word {
	if len(p.words) == 0 {
		p.fail("%s is missing", what)
		return word{}
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

func (p *parser) path(what string) string {
	w := p.next(what)
	if p.err == nil && !w.quoted && !strings.HasPrefix(w.text, "/") {
		p.fail("%s is an absolute path, and this is %q", what, w.text)
	}
	return w.text
}

// number reads a number with so many bits.
func (p *parser) number(what string, bits int) uint64 {
	w := p.next(what)
	n, err := strconv.ParseUint(w.text, 0, bits)
	if err != nil {
		p.fail("%s is a number of %d bits, and this is %q", what, bits, w.text)
	}
	return n
}

// classes are the words for objects without a path.
var classes = map[string]policy.ObjectClass{"anonymous": policy.Anonymous, "unresolved": policy.Unresolved, "unnamed": policy.Unnamed}

func (p *parser) object(what string) policy.Object {
	if len(p.words) > 0 && !p.words[0].quoted {
		if class, ok := classes[p.words[0].text]; ok {
			p.words = p.words[1:]
			return policy.Object{Class: class}
		}
	}
	return policy.Object{Path: p.path(what)}
}

// among reads one of some words.
func (p *parser) among(what string, known []string) string {
	w := p.next(what)
	if p.err == nil && !slices.Contains(known, w.text) {
		p.unknown(what, w.text, known)
	}
	return w.text
}

func (p *parser) unknown(what, text string, known []string) {
	if meant := suggest.Words(text, known); len(meant) > 0 {
		p.fail("%s is not %q; did you mean %s?", what, text, meant[0])
		return
	}
	p.fail("%s is not %q; one of: %s", what, text, strings.Join(known, ", "))
}

// verbs are the first words of operations other than uses of files.
var verbs = []string{"exec", "rename", "exchange", "link", "ingress", "egress", "call", "use", "system"}

func (p *parser) operation(verb word, op *policy.Operation) {
	switch verb.text {
	case "exec":
		op.Kind = policy.OpExec
		for p.err == nil && (len(op.Images) == 0 || len(p.words) > 0 && !p.words[0].is("by")) {
			op.Images = append(op.Images, p.object("the image"))
		}
	case "rename", "link", "exchange":
		p.move(verb.text, op)
	case "ingress", "egress":
		op.Kind = policy.OpNetwork
		op.Flow.Direction = policy.Egress
		if verb.text == "ingress" {
			op.Flow.Direction = policy.Ingress
		}
		p.flow(&op.Flow)
	case "call":
		op.Kind = policy.OpSyscall
		op.Syscall = policy.SyscallCall{Arch: string(linux.AMD64), Name: p.next("the system call").text}
		for i := 0; p.err == nil && len(p.words) > 0 && !p.words[0].is("by") && !p.words[0].is("on"); i++ {
			n := p.number("an argument", 64)
			if i == len(op.Syscall.Args) {
				p.fail("a system call has six arguments")
				break
			}
			op.Syscall.Args[i] = n
		}
		if p.take("on") {
			op.Syscall.Arch = p.among("the architecture", archNames())
		}
	case "use":
		op.Kind = policy.OpCapability
		if len(p.words) > 0 {
			p.words[0].text = strings.TrimPrefix(p.words[0].text, "CAP_")
		}
		op.Capability = p.among("the capability", linux.CapabilityNames())
	case "system":
		op.Kind = policy.OpSystem
		name := p.among("the operation of system", systemNames())
		op.System = policy.SystemOperation(max(0, slices.Index(systemNames(), name)))
	default:
		op.Kind = policy.OpFile
		i := slices.IndexFunc(policy.AccessNames, func(n struct {
			Access policy.Access
			Name   string
		}) bool {
			return n.Name == verb.text && n.Access != policy.AccessExec
		})
		if i < 0 {
			p.unknown("an operation", verb.text, allVerbs())
			return
		}
		op.Access, op.Object = policy.AccessNames[i].Access, p.object("the file")
	}
}

func allVerbs() []string {
	out := slices.Clone(verbs)
	for _, n := range policy.AccessNames {
		if !slices.Contains(out, n.Name) {
			out = append(out, n.Name)
		}
	}
	return out
}

func systemNames() []string {
	var out []string
	for _, o := range policy.SystemOperations {
		out = append(out, o.String())
	}
	return out
}

func archNames() []string {
	var out []string
	for _, a := range linux.NodeArches() {
		out = append(out, string(a))
	}
	return out
}

// move reads `[directory] A to B [existing]`; exchange has `with`.
func (p *parser) move(verb string, op *policy.Operation) {
	op.Kind = policy.OpRename
	if verb == "link" {
		op.Kind = policy.OpLink
	}
	op.Directory = p.take("directory")
	op.Object = p.object("the file")
	if verb != "exchange" && !op.Directory && (len(p.words) == 0 || p.words[0].is("by")) {
		// One name: the use of it alone, without what the other name needs.
		op.Kind = policy.OpFile
		op.Access = map[string]policy.Access{"rename": policy.AccessRename, "link": policy.AccessLink}[verb]
		return
	}
	between := "to"
	if op.Exchange = verb == "exchange"; op.Exchange {
		between, op.TargetExists = "with", true
	}
	if !p.take(between) {
		p.fail("the form is: %s A %s B", verb, between)
	}
	op.Target = p.object("the new name")
	if verb == "rename" {
		op.TargetExists = p.take("existing")
	}
}
