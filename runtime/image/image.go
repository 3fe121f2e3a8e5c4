// SPDX-License-Identifier: Apache-2.0

// Package image reads the images that the LSM programs enforce, whose layout is
// that of package bpf. Everything in an image is verified before anything else
// sees it, so that no table can lead a program out of its bounds.
//
// Decide walks a table as the programs do, and is what they are compared with.
// The package neither writes images nor talks to a kernel.
package image

import (
	"fmt"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/ruletable"
)

// MaxBytes is the length of the longest image that is read.
const MaxBytes = 64 << 20

// Image is a verified image. It is immutable and safe for concurrent use.
type Image struct {
	Identity bpf.Identity
	// Table is what the programs read, without padding. It shares memory with
	// what was decoded.
	Table  []byte
	Rules  *ruletable.Table
	SHA256 [32]byte

	header bpf.Header
	table  *table
}

// Header returns where the sections are.
func (m *Image) Header() bpf.Header { return m.header }

// Head returns the head of the table. It must not be changed.
func (m *Image) Head() *bpf.Head { return &m.table.head }

// Counts returns what the table holds.
func (m *Image) Counts() Counts { return m.table.counts }

// Decode reads an image and verifies all of it; data must not change afterwards.
// The input may be hostile: the error says what is wrong with it.
func Decode(data []byte) (*Image, error) {
	h, err := decodeHeader(data)
	if err != nil {
		return nil, err
	}
	m := &Image{header: *h, SHA256: h.SHA256}
	if m.Identity, err = decodeIdentity(part(data, h.Identity)); err != nil {
		return nil, fmt.Errorf("image: identity: %w", err)
	}
	if m.table, err = decodeTable(part(data, h.Table)); err != nil {
		return nil, fmt.Errorf("image of %q: table: %w", m.Identity.Unit, err)
	}
	m.Table = m.table.data
	rules, err := unpad(part(data, h.Rules))
	if err == nil {
		m.Rules, err = ruletable.Decode(rules)
	}
	if err == nil {
		err = m.agree()
	}
	if err != nil {
		return nil, fmt.Errorf("image of %q: %w", m.Identity.Unit, err)
	}
	return m, nil
}

func part(data []byte, s bpf.Section) []byte { return data[s.Offset : s.Offset+s.Length] }

// unpad cuts the zeros off that fill a section of text.
func unpad(section []byte) ([]byte, error) {
	n := len(section)
	for n > 0 && section[n-1] == 0 {
		n--
	}
	if len(section)-n >= 8 {
		return nil, fmt.Errorf("rules: %d bytes of padding, at most 7 are needed", len(section)-n)
	}
	return section[:n], nil
}
