// SPDX-License-Identifier: Apache-2.0

package apparmorbin

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const everyKind = `abi <abi/3.0>,
profile p /usr/bin/{a,b*} flags=(complain) {
  /a/** rwmkl,
  /x px -> q//&r,
  link /l -> /m,
  capability chown,
  network inet stream,
  signal (send) set=(kill) peer=a,
  ptrace (read) peer=b,
  mount fstype=ext4 options=(ro) /dev/sda -> /mnt/,
  set rlimit nofile <= 10,
  profile c { /y r, }
}
`

// ask asks everything; it must return.
func ask(policy []byte) {
	profiles, err := Load(policy)
	if err != nil {
		return
	}
	for _, p := range profiles {
		for _, path := range []string{"", "/", "/a/b", "/a/b/", "/x", "\xff\x00"} {
			p.Attaches(path)
			p.File(path, false)
			p.Exec(path, true)
			p.Link(path, "/m", true)
			p.Umount(path)
			p.PivotRoot(path, "/x")
		}
		p.Capability(1)
		p.Network(2, 1)
		p.Signal(9, "a", "b")
		p.Ptrace("b")
		p.Mount(MountCall{Target: "/mnt/", Source: "/dev/sda", Type: "ext4", Flags: ^uint32(0), Data: "x"})
	}
}

// TestDamaged: a policy with bytes changed, cut or repeated is an error or a
// policy, and never the end of the test.
func TestDamaged(t *testing.T) {
	policy, _, err := NewParser(t, "6.12").Policy(everyKind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(policy); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := slices.Clone(policy)
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			i := rapid.IntRange(0, len(p)-1).Draw(t, "at")
			switch rapid.IntRange(0, 3).Draw(t, "edit") {
			case 0:
				p[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
			case 1:
				p = p[:i+1]
			case 2:
				p = slices.Insert(p, i, p[:i]...)
			case 3:
				if i+4 <= len(p) {
					binary.BigEndian.PutUint32(p[i:], rapid.Uint32().Draw(t, "word"))
				}
			}
		}
		ask(p)
	})
}

func FuzzLoad(f *testing.F) {
	policy, _, err := NewParser(f, "6.12").Policy(everyKind)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(policy)
	f.Fuzz(func(_ *testing.T, policy []byte) { ask(policy) })
}

func TestLoadErrors(t *testing.T) {
	version := func(n byte) []byte { return []byte("\x04\x08\x00version\x00\x02" + string([]byte{n, 0, 0, 0})) }
	for _, policy := range [][]byte{
		nil,
		{0},
		version(4),
		version(10),
		version(7),
		append(version(7), "\x04\x08\x00profile\x00\x07\x05\x03\x00p"...),
	} {
		if p, err := Load(policy); err == nil {
			t.Errorf("Load(%q) = %v", policy, p)
		}
	}
}
