// SPDX-License-Identifier: Apache-2.0

package automata

// index finds things by hash. Things are numbered from 0 in the order in which
// they are added, and stored by the user.
type index struct {
	slots  []int32 // open addressing, a power of two; number+1, 0 is free
	hashes []uint64
}

// find returns the thing with hash h that is the one wanted.
func (x *index) find(h uint64, same func(id int32) bool) (id int32, ok bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	mask := len(x.slots) - 1
	for i := int(h) & mask; x.slots[i] != 0; i = (i + 1) & mask {
		if id := x.slots[i] - 1; x.hashes[id] == h && same(id) {
			return id, true
		}
	}
	return 0, false
}

// add numbers a thing with hash h that find did not find.
func (x *index) add(h uint64) (id int32) {
	id = int32(len(x.hashes))
	x.hashes = append(x.hashes, h)
	if 2*len(x.hashes) <= len(x.slots) {
		x.put(id)
		return id
	}
	x.slots = make([]int32, max(64, 2*len(x.slots)))
	for old := range x.hashes {
		x.put(int32(old))
	}
	return id
}

func (x *index) put(id int32) {
	mask := len(x.slots) - 1
	i := int(x.hashes[id]) & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = id + 1
}

// mix hashes two words; it is the same in every process.
func mix(h, x uint64) uint64 {
	h = (h ^ x) * 0x9E3779B97F4A7C15
	h ^= h >> 29
	h *= 0xBF58476D1CE4E5B9
	return h ^ h>>32
}
