// SPDX-License-Identifier: Apache-2.0

package apparmorbin

// Mask is a set of permissions as the kernel has them (include/perms.h of
// AppArmor). What a bit means depends on the class: see the constants.
type Mask uint32

// Permissions on files.
const (
	Exec          Mask = 1 << 0
	Write         Mask = 1 << 1
	Read          Mask = 1 << 2
	Append        Mask = 1 << 3
	Create        Mask = 1 << 4
	Delete        Mask = 1 << 5
	Open          Mask = 1 << 6
	SetAttr       Mask = 1 << 8
	GetAttr       Mask = 1 << 9
	Chmod         Mask = 1 << 12
	Chown         Mask = 1 << 13
	Lock          Mask = 1 << 15
	Map           Mask = 1 << 16 // with PROT_EXEC
	Link          Mask = 1 << 18
	OnExec        Mask = 1 << 29
	ChangeProfile Mask = 1 << 30

	// linkSubset shares its bit with Lock: in the second half of a link pair it
	// says that the link may not allow more than its target.
	linkSubset = Lock
)

// Permissions of the other classes. Network rules grant all of a socket at once.
const (
	Pivot  Mask = 1 << 0 // mount
	Mount  Mask = 1 << 1
	Umount Mask = 1 << 2

	Send    Mask = 1 << 1 // signal
	Receive Mask = 1 << 2

	Trace       Mask = 1 << 1 // ptrace
	TraceRead   Mask = 1 << 2
	BeTraced    Mask = 1 << 3
	BeTraceRead Mask = 1 << 4

	// more says of a mount rule that its data has to match as well.
	more Mask = 1 << 6
)

// Perms is what a profile says about an object.
type Perms struct {
	// Allow is what is permitted; all else is denied.
	Allow Mask
	// Audit is what is reported although it is permitted, Quiet what is not
	// reported although it is denied. A rule with deny is quiet.
	Audit, Quiet Mask
}

// Has reports whether all of m is permitted.
func (p Perms) Has(m Mask) bool { return p.Allow&m == m }

// Transition is what an exec leads to, when it is permitted.
type Transition struct {
	Kind Kind
	// Target is the label of a Named transition as the profile spells it: "a",
	// "a//&b", or "&b" for a stack on the current label. A Named transition to a
	// Child is to a child of the current profile.
	Target string
	Child  bool
	// Otherwise is what happens when Kind finds no profile: Inherit, Unconfined,
	// or None for a refusal.
	Otherwise Kind
	// Unsafe leaves the environment as it is (the kernel does not set secure-exec).
	Unsafe bool
}

// Kind is a kind of exec transition.
type Kind string

// The kinds of transitions, by the letters of profiles.
const (
	None       Kind = ""
	Inherit    Kind = "ix"
	Unconfined Kind = "ux"
	Attached   Kind = "px"    // to the profile whose attachment fits the name
	Named      Kind = "px ->" // to Target
)

// filePerms unpacks seven bits of the accept tables.
func filePerms(packed uint32) Mask {
	m := Mask(packed & 0xf)
	if m&Read != 0 {
		m |= GetAttr | Open
	}
	if m&Write != 0 {
		m |= SetAttr | Create | Delete | Chmod | Chown | Open
	}
	for _, b := range []struct {
		bit  uint32
		perm Mask
	}{{0x10, Link}, {0x20, Lock}, {0x40, Map}} {
		if packed&b.bit != 0 {
			m |= b.perm
		}
	}
	return m
}

// Owner says whose permissions are meant: those of a task on its own files or on
// those of others.
type Owner bool

// shift is where the permissions of an owner, or of the others, begin in the
// accept tables.
func (o Owner) shift() int {
	if o {
		return 0
	}
	return 14
}

// file returns the permissions on a file whose name led to state s, and the
// packed transition.
func (d *dfa) file(s uint32, owner Owner) (p Perms, exec uint32) {
	if d == nil {
		return Perms{Allow: GetAttr}, 0
	}
	accept, accept2 := d.accept[s]>>owner.shift(), d.accept2[s]>>owner.shift()
	p.Allow = filePerms(accept&0x7f) | GetAttr
	p.Audit = filePerms(accept2 & 0x7f)
	p.Quiet = filePerms(accept2 >> 7 & 0x7f)
	if d.accept[s]&(1<<31) != 0 {
		p.Allow |= ChangeProfile
	}
	if d.accept[s]&(1<<30) != 0 {
		p.Allow |= OnExec
	}
	return p, accept & 0x3fff
}

// policy returns the permissions of the other classes. The lock bit, which
// every one of them has up to version 8, is left out: no class here asks for it.
func (d *dfa) policy(s uint32) Perms {
	if d == nil || s == dead {
		return Perms{}
	}
	return Perms{
		Allow: Mask(d.accept[s] & 0x7f),
		Audit: Mask(d.accept2[s] & 0x7f),
		Quiet: Mask(d.accept2[s] >> 7 & 0x7f),
	}
}

// transition unpacks an exec transition.
func (p *Profile) transition(packed uint32) Transition {
	t := Transition{Unsafe: packed&0x100 != 0}
	other := None
	switch {
	case packed&0x200 != 0:
		other = Inherit
	case packed&0x80 != 0:
		other = Unconfined
	}
	switch index := packed >> 10 & 0xf; index {
	case 0:
		t.Kind = other
		return t
	case 1:
		t.Kind = Unconfined
		return t
	case 2, 3:
		t.Kind, t.Child = Attached, index == 3
	default:
		t.Kind, t.Target = Named, p.targets[index-4]
	}
	t.Otherwise = other
	return t
}
