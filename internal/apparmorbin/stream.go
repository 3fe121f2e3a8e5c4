// SPDX-License-Identifier: Apache-2.0

package apparmorbin

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Type codes of the serialized form.
const (
	codeU32       = 2
	codeU64       = 3
	codeName      = 4
	codeString    = 5
	codeBlob      = 6
	codeStruct    = 7
	codeStructEnd = 8
	codeArray     = 11
	codeArrayEnd  = 12
	codeU8        = 0
)

// stream reads tagged elements. The first failure stays in err, and everything
// read after it is zero.
type stream struct {
	data []byte
	pos  int
	err  error
}

func (s *stream) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("at byte %d: %w", s.pos, fmt.Errorf(format, args...))
	}
}

// take returns the next n bytes.
func (s *stream) take(n int) []byte {
	if s.err != nil || n < 0 || n > len(s.data)-s.pos {
		s.fail("%d bytes are missing", n-(len(s.data)-s.pos))
		return nil
	}
	b := s.data[s.pos : s.pos+n]
	s.pos += n
	return b
}

// number reads an unsigned little-endian number of size bytes.
func (s *stream) number(size int) uint64 {
	var buf [8]byte
	copy(buf[:], s.take(size))
	return binary.LittleEndian.Uint64(buf[:])
}

// next reports whether an element of the given code and name follows, and steps
// over its tag if so. An empty name matches any.
func (s *stream) next(code byte, name string) bool {
	if s.err != nil {
		return false
	}
	rest := s.data[s.pos:]
	n := 0
	if len(rest) > 0 && rest[0] == codeName {
		if len(rest) < 3 {
			return false
		}
		end := 3 + int(binary.LittleEndian.Uint16(rest[1:]))
		if end > len(rest) || name != "" && !bytes.Equal(rest[3:end], append([]byte(name), 0)) {
			return false
		}
		n = end
	} else if name != "" {
		return false
	}
	if n >= len(rest) || rest[n] != code {
		return false
	}
	s.pos += n + 1
	return true
}

// need is next for an element that must follow.
func (s *stream) need(code byte, name string) {
	if !s.next(code, name) {
		s.fail("no element %q with code %d", name, code)
	}
}

func (s *stream) u32(name string) uint32 {
	s.need(codeU32, name)
	return uint32(s.number(4))
}

// optionalU32 returns other when there is no such number.
func (s *stream) optionalU32(name string, other uint32) uint32 {
	if s.next(codeU32, name) {
		return uint32(s.number(4))
	}
	return other
}

// text reads the bytes of a string whose tag has been read, without its final NUL.
func (s *stream) text() string {
	b := s.take(int(s.number(2)))
	if len(b) == 0 || b[len(b)-1] != 0 {
		s.fail("a string does not end in NUL")
		return ""
	}
	return string(b[:len(b)-1])
}

func (s *stream) optionalString(name string) string {
	if s.next(codeString, name) {
		return s.text()
	}
	return ""
}

// array reads the head of an array and calls each for its elements.
func (s *stream) array(each func()) {
	s.need(codeArray, "")
	for n := s.number(2); n > 0 && s.err == nil; n-- {
		each()
	}
	s.need(codeArrayEnd, "")
}
