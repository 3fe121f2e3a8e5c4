// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
)

const (
	// maxIdentity bounds the memory that its JSON can take.
	maxIdentity = 4 << 20
	// maxName is the length of the longest name, in bytes.
	maxName = 1024
)

// decodeIdentity reads an identity. It is strict: there is one way to write each.
func decodeIdentity(section []byte) (bpf.Identity, error) {
	var id bpf.Identity
	text := bytes.TrimRight(section, " ")
	switch {
	case len(section) > maxIdentity:
		return id, fmt.Errorf("more than %d MiB", maxIdentity>>20)
	case len(section)-len(text) >= 8:
		return id, fmt.Errorf("%d bytes of padding, at most 7 are needed", len(section)-len(text))
	}
	if err := json.Unmarshal(text, &id); err != nil {
		return id, err
	}
	// What reads the same but is written otherwise has unknown or repeated keys,
	// keys in other letters, or bytes that are not text.
	if again, err := json.Marshal(id); err != nil || !bytes.Equal(text, again) {
		return id, errors.New("not in its one form: unknown, missing or repeated keys, or another spelling")
	}
	if id.Unit == "" || strings.Contains(id.Unit, "/") {
		return id, fmt.Errorf("%.100q is no name of a unit", id.Unit)
	}
	for _, s := range append([]string{id.Unit, id.Namespace, id.Revision}, id.Policies...) {
		if !plain(s) {
			return id, fmt.Errorf("%.100q is neither a name nor a revision", s)
		}
	}
	if len(id.Atoms) > bpf.MaxAtoms {
		return id, fmt.Errorf("%d atoms, at most %d are possible", len(id.Atoms), bpf.MaxAtoms)
	}
	for _, atom := range id.Atoms {
		for _, pattern := range atom {
			if _, err := automata.Parse(pattern); err != nil {
				return id, err
			}
		}
	}
	return id, nil
}

// plain says whether a word can be printed as it is.
func plain(s string) bool {
	return len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// agree verifies that the sections are about the same unit.
func (m *Image) agree() error {
	id, rules := &m.Identity, m.Rules
	var policies []string
	for _, p := range rules.Policies {
		policies = append(policies, p.ID())
	}
	switch {
	case id.Unit != rules.Unit || id.Namespace != rules.Namespace:
		return fmt.Errorf("the rules are those of %.100q in %.100q", rules.Unit, rules.Namespace)
	case !slices.Equal(id.Policies, policies):
		return fmt.Errorf("its policies are %.100q, those of the rules %.100q", id.Policies, policies)
	case len(id.Atoms) != int(m.Head().Atoms):
		return fmt.Errorf("%d atoms in the identity, %d in the table", len(id.Atoms), m.Head().Atoms)
	case int(m.Head().Layers) != 1+len(m.Audits()):
		return fmt.Errorf("%d layers, but %d policies in mode Audit, of which each is one beside what is enforced", m.Head().Layers, len(m.Audits()))
	}
	return nil
}

// Audits returns the policies that the layers from 1 on stand for: those in mode
// Audit, in order.
func (m *Image) Audits() []*ruletable.Policy {
	var out []*ruletable.Policy
	for _, p := range m.Rules.Policies {
		if p.Mode == policy.AuditMode.String() {
			out = append(out, p)
		}
	}
	return out
}
