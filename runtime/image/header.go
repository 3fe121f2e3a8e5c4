// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/avert-dev/avert/bpf"
)

// Where the hash of an image is.
const hashBegin, hashEnd = 24, 56

// decodeHeader reads the header, and verifies it and the hash of the whole. The
// sections of an image whose header it returns lie within data.
func decodeHeader(data []byte) (*bpf.Header, error) {
	switch {
	case len(data) > MaxBytes:
		return nil, fmt.Errorf("image: more than %d MiB", MaxBytes>>20)
	case !bytes.HasPrefix(data, []byte(bpf.Magic)):
		return nil, fmt.Errorf("not an image: it does not begin with %q", bpf.Magic)
	case len(data) < 12:
		return nil, errors.New("image: cut off in its header")
	}
	// The layout comes first: everything else may be different in another.
	if layout := binary.LittleEndian.Uint32(data[8:]); layout != bpf.Layout {
		return nil, fmt.Errorf("image of layout %d; this program reads layout %d", layout, bpf.Layout)
	}
	if len(data) < bpf.HeaderSize {
		return nil, errors.New("image: cut off in its header")
	}
	h := &bpf.Header{}
	if err := decodeStruct(data[:bpf.HeaderSize], h); err != nil {
		return nil, fmt.Errorf("image: header: %w", err)
	}
	if n := uint64(len(data)); h.Length != n {
		return nil, fmt.Errorf("image: it has %d bytes, and says that it has %d", n, h.Length)
	}
	if hash(data) != h.SHA256 {
		return nil, errors.New("image: damaged: its hash is another than it says")
	}
	return h, sections(h)
}

// hash returns the hash of an image with the field of the hash zero.
func hash(data []byte) (out [32]byte) {
	h := sha256.New()
	h.Write(data[:hashBegin])
	h.Write(out[:])
	h.Write(data[hashEnd:])
	h.Sum(out[:0])
	return out
}

// sections verifies that the sections follow one another up to the end.
func sections(h *bpf.Header) error {
	at := uint64(bpf.HeaderSize)
	for _, s := range []struct {
		name string
		bpf.Section
	}{{"identity", h.Identity}, {"table", h.Table}, {"rules", h.Rules}} {
		switch {
		case s.Offset != at:
			return fmt.Errorf("image: section %s is at %d, not at %d where the one before ends", s.name, s.Offset, at)
		case s.Length > h.Length-at:
			return fmt.Errorf("image: section %s has %d bytes, but only %d are left", s.name, s.Length, h.Length-at)
		case s.Length%8 != 0:
			return fmt.Errorf("image: section %s has %d bytes, not a multiple of 8", s.name, s.Length)
		}
		at += s.Length
	}
	if at != h.Length {
		return fmt.Errorf("image: %d bytes follow the last section", h.Length-at)
	}
	return nil
}

// decodeStruct reads a value that fills data. Its blank fields must be zero.
func decodeStruct(data []byte, v any) error {
	if _, err := binary.Decode(data, binary.LittleEndian, v); err != nil {
		return err
	}
	again := make([]byte, len(data))
	if _, err := binary.Encode(again, binary.LittleEndian, v); err != nil {
		return err
	}
	if !bytes.Equal(data, again) {
		return errors.New("padding is not zero")
	}
	return nil
}
