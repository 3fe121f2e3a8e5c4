// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/ruletable"
)

// sha256Offset is where bpf.Header has the hash.
const sha256Offset = 8 + 4 + 4 + 8

// image puts a header, the identity and the rules around a table.
func (j *joint) image(table []byte) ([]byte, error) {
	id := bpf.Identity{Unit: j.unit.Name, Namespace: j.unit.Namespace, Policies: []string{}, Revision: revision(j.unit), Atoms: j.atoms}
	for _, p := range j.unit.Policies {
		id.Policies = append(id.Policies, p.ID())
	}
	identity, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("the identity of the image: %w", err)
	}
	rules := j.rules.Encode()
	if len(rules) > ruletable.MaxBytes {
		return nil, fmt.Errorf("the table of rules for alerts has more than %d MiB", ruletable.MaxBytes>>20)
	}
	h := bpf.Header{Layout: bpf.Layout}
	copy(h.Magic[:], bpf.Magic)
	out := make([]byte, bpf.HeaderSize)
	section := func(data []byte, padding byte) bpf.Section {
		s := bpf.Section{Offset: uint64(len(out))}
		out = append(out, data...)
		for len(out)%8 != 0 {
			out = append(out, padding)
		}
		s.Length = uint64(len(out)) - s.Offset
		return s
	}
	h.Identity = section(identity, ' ')
	h.Table = section(table, 0)
	h.Rules = section(rules, 0)
	h.Length = uint64(len(out))
	put(out, h)
	sum := sha256.Sum256(out)
	copy(out[sha256Offset:], sum[:])
	return out, nil
}

// put writes a value of package bpf at the start of out.
func put(out []byte, v any) {
	if _, err := binary.Encode(out, binary.LittleEndian, v); err != nil {
		panic(fmt.Sprintf("lsm: %T does not fit: %v", v, err)) // sizes are constants
	}
}

// revision is the hash of what the source files of a unit's policies hash to.
func revision(u *ir.Unit) string {
	var b bytes.Buffer
	for _, p := range u.Policies {
		if f := p.Span.File; f != nil {
			b.WriteString(f.Hash())
		}
		b.WriteByte('\n')
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(b.Bytes()))
}
