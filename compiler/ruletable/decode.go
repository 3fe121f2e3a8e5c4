// SPDX-License-Identifier: Apache-2.0

package ruletable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
)

// Limits of a table that is read.
const (
	// MaxBytes is the largest table: about 100,000 rules.
	MaxBytes = 16 << 20
	// MaxPatterns is the largest number of patterns of all rules and atoms.
	MaxPatterns = 1 << 17
)

// Decode reads a table and checks everything in it. The input may be hostile:
// the error says what is wrong with it.
func Decode(data []byte) (*Table, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("a rule table of more than %d bytes", MaxBytes)
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("not a rule table: %w", err)
	}
	if version.Version != Version {
		return nil, fmt.Errorf("rule table of version %d; this program reads version %d", version.Version, Version)
	}
	t := &Table{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("not a rule table: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("not a rule table: more follows after its end")
	}
	if err := t.resolve(); err != nil {
		return nil, fmt.Errorf("rule table of %q: %w", t.Unit, err)
	}
	return t, nil
}

// resolve checks every value, and finds what words stand for.
func (t *Table) resolve() error {
	if t.Unit == "" || t.Label == "" {
		return errors.New("the unit has no name or no label")
	}
	count := 0
	parse := func(list []string) (*patterns, error) {
		if count += len(list); count > MaxPatterns {
			return nil, fmt.Errorf("more than %d patterns", MaxPatterns)
		}
		return newPatterns(list)
	}
	for _, atom := range t.Lineage {
		p, err := parse(atom)
		if err != nil {
			return err
		}
		t.atoms = append(t.atoms, p)
	}
	for i, d := range t.Domains {
		if d.Name == "" || slices.ContainsFunc(t.Domains[:i], func(o Domain) bool { return o.Name == d.Name }) {
			return fmt.Errorf("domain %q has no name of its own", d.Name)
		}
		for _, atom := range slices.Concat(d.Exe, d.Parent, d.Ancestor, d.MaybeExe, d.MaybeParent, d.MaybeAncestor) {
			if err := t.hasAtom(&atom); err != nil {
				return fmt.Errorf("domain %q: %w", d.Name, err)
			}
		}
	}
	for _, p := range t.Policies {
		if p == nil {
			return errors.New("a policy is null")
		}
		if err := t.resolvePolicy(p, parse); err != nil {
			return fmt.Errorf("policy %q: %w", p.ID(), err)
		}
	}
	return nil
}

func (t *Table) hasAtom(i *int) error {
	if i != nil && (*i < 0 || *i >= len(t.Lineage)) {
		return fmt.Errorf("lineage %d is not in the table", *i)
	}
	return nil
}

func (t *Table) resolvePolicy(p *Policy, parse func([]string) (*patterns, error)) error {
	if p.Mode != policy.Enforce.String() && p.Mode != policy.AuditMode.String() {
		return fmt.Errorf("unknown mode %q", p.Mode)
	}
	if p.Line < 0 {
		return fmt.Errorf("line %d", p.Line)
	}
	for i := range p.Defaults {
		d := &p.Defaults[i]
		var err error
		if d.section, err = section(d.Section); err == nil {
			d.action, err = action(d.Action)
		}
		if err == nil && d.section == policy.Network && d.Direction == "" {
			err = errors.New("the default has no direction")
		}
		if err = errors.Join(err, direction(d.Direction)); err != nil || d.Line < 0 {
			return fmt.Errorf("default of %q at line %d: %w", d.Section, d.Line, err)
		}
	}
	for _, r := range p.Rules {
		if r == nil {
			return errors.New("a rule is null")
		}
		if err := t.resolveRule(r, parse); err != nil {
			return fmt.Errorf("rule %q: %w", r.Rule, err)
		}
	}
	return nil
}

func (t *Table) resolveRule(r *Rule, parse func([]string) (*patterns, error)) (err error) {
	prefix, name, _ := strings.Cut(r.Rule, "/")
	if r.section, err = section(prefix); err != nil {
		return err
	}
	if name == "" || r.Line < 0 {
		return fmt.Errorf("name %q, line %d", name, r.Line)
	}
	if r.action, err = action(r.Action); err != nil {
		return err
	}
	if r.From != nil {
		if err := errors.Join(t.hasAtom(r.From.Exe), t.hasAtom(r.From.Parent), t.hasAtom(r.From.Ancestor)); err != nil {
			return err
		}
	}
	if err := direction(r.Direction); err != nil {
		return err
	}
	for _, c := range r.CIDRs {
		for _, text := range append([]string{c.CIDR}, c.Except...) {
			if _, err := netip.ParsePrefix(text); err != nil {
				return fmt.Errorf("network %q: %w", text, err)
			}
		}
	}
	if r.section == policy.Process {
		r.access = policy.AccessExec
	}
	for _, name := range r.Access {
		i := slices.IndexFunc(policy.AccessNames, func(n struct {
			Access policy.Access
			Name   string
		}) bool {
			return n.Name == name
		})
		if i < 0 || r.section != policy.File {
			return fmt.Errorf("access %q of %s", name, prefix)
		}
		r.access |= policy.AccessNames[i].Access
	}
	if r.section != policy.Process && r.section != policy.File {
		return nil
	}
	all := slices.Clone(r.Paths)
	for _, name := range r.Names {
		all = append(all, "/**/"+automata.Escape(name))
	}
	if r.paths, err = parse(all); err == nil && r.section == policy.Process && r.action != policy.Block {
		r.loaders = loadersOf(r.Paths)
	}
	return err
}

func section(word string) (policy.Section, error) {
	for _, s := range policy.Sections {
		if s.String() == word {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown section %q", word)
}

func action(word string) (policy.Action, error) {
	for _, a := range []policy.Action{policy.Allow, policy.Audit, policy.Block} {
		if a.String() == word {
			return a, nil
		}
	}
	return 0, fmt.Errorf("unknown action %q", word)
}

func direction(word string) error {
	for _, d := range []policy.Direction{policy.BothDirections, policy.Ingress, policy.Egress} {
		if d.String() == word {
			return nil
		}
	}
	return fmt.Errorf("unknown direction %q", word)
}

// newPatterns checks patterns. They are compiled when they are first asked.
func newPatterns(texts []string) (*patterns, error) {
	p := &patterns{texts: texts}
	for _, text := range texts {
		if _, err := automata.Parse(text); err != nil {
			return nil, err
		}
	}
	return p, nil
}
