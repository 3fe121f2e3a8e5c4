// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"testing"

	"github.com/avert-dev/avert/runtime/image"
)

// longest returns an image with the most work for a reader: every slot of the
// largest table begins a row, which leads to the next one, and every class is used.
func longest(b *testing.B) []byte {
	m := build(b)
	for i := range m.head.Classes {
		m.head.Classes[i] = max(2, uint8(i))
	}
	n := (4<<20 - headSize) / 4
	first := uint32(headSize / 4)
	m.after, m.slots = nil, make([]uint32, n)
	for i := range m.slots {
		m.slots[i] = first + min(uint32(i)+1, uint32(n-256))
	}
	m.head.Starts[0] = first
	m.head.Bytes = 4 << 20
	return m.encode()
}

func BenchmarkDecode(b *testing.B) {
	for name, data := range map[string][]byte{"small": build(b).encode(), "longest": longest(b)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := image.Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
