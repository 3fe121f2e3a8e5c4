// SPDX-License-Identifier: Apache-2.0

package apparmorbin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Mode is what a profile does with what it does not permit.
type Mode int

// Modes by their numbers in the policy.
const (
	Enforce Mode = iota
	Complain
	Kill
	ModeUnconfined
)

// Profile is one profile of a policy. It is immutable.
type Profile struct {
	// Name is the full name, "parent//child" for a child.
	Name string
	// Namespace is empty for the current one.
	Namespace string
	// Version is that of the policy format.
	Version int
	// Attachment is the name of the executables that get the profile, as the
	// policy spells it; most policies have it as an automaton only, see Attaches.
	Attachment string
	Mode       Mode
	Hat        bool
	// AuditAll is set by flags=(audit).
	AuditAll bool
	// PathFlags are those for disconnected and deleted files (path.h).
	PathFlags uint32

	attach, rules, files *dfa
	rulesStart           uint32
	filesStart           uint32
	targets              []string
	caps                 [3]uint64 // permitted, audited, quiet
}

// Load reads all profiles of a policy.
func Load(policy []byte) ([]*Profile, error) {
	s := &stream{data: policy}
	var out []*Profile
	version, namespace := 0, ""
	for s.pos < len(policy) {
		if s.pos == 0 || s.next(codeU32, "version") {
			if s.pos == 0 {
				s.need(codeU32, "version")
			}
			// The bits above are the parser's and say "complain" in old policies.
			version = int(s.number(4) & 0x3ff)
			if s.err == nil && (version < 5 || version > 9) {
				return nil, fmt.Errorf("policy version %d is none of 5 to 9", version)
			}
		}
		if ns := s.optionalString("namespace"); ns != "" {
			namespace = ns
		}
		p := &Profile{Version: version, Namespace: namespace}
		if err := p.read(s); err != nil {
			return nil, fmt.Errorf("profile %q: %w", p.Name, err)
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, errors.New("the policy is empty")
	}
	return out, nil
}

func (p *Profile) read(s *stream) error {
	s.need(codeStruct, "profile")
	p.Name = s.optionalString("")
	s.optionalString("rename")
	p.Attachment = s.optionalString("attach")
	if p.attach = p.automaton(s); p.attach != nil {
		s.u32("") // the length by which attachments compete
	}
	s.optionalString("disconnected")

	s.need(codeStruct, "flags")
	p.Hat = s.u32("")&1 != 0
	p.Mode = Mode(s.u32(""))
	p.AuditAll = s.u32("") != 0
	s.need(codeStructEnd, "")
	p.PathFlags = s.optionalU32("path_flags", 0)

	p.readCapabilities(s)
	if s.next(codeStruct, "xattrs") {
		s.array(func() { s.need(codeString, ""); s.text() })
		s.need(codeStructEnd, "")
	}
	if s.next(codeStruct, "rlimits") {
		s.u32("")
		s.array(func() { s.need(codeU64, ""); s.number(8) })
		s.need(codeStructEnd, "")
	}
	if s.next(codeStruct, "secmark") {
		s.array(func() {
			for range 2 {
				s.need(codeU8, "")
				s.number(1)
			}
			s.need(codeString, "")
			s.text()
		})
		s.need(codeStructEnd, "")
	}
	if s.next(codeStruct, "policydb") {
		p.rules = p.automaton(s)
		p.rulesStart = s.optionalU32("start", start)
		s.need(codeStructEnd, "")
	}
	if p.files = p.automaton(s); p.files != nil {
		p.filesStart = s.optionalU32("dfa_start", start)
		p.readTargets(s)
	}
	if s.next(codeStruct, "data") {
		for s.next(codeString, "") {
			s.text()
			s.need(codeBlob, "")
			s.take(int(s.number(4)))
		}
		s.need(codeStructEnd, "")
	}
	s.need(codeStructEnd, "")
	if s.err != nil {
		return s.err
	}
	return p.verify()
}

func (p *Profile) readCapabilities(s *stream) {
	for i := range p.caps {
		p.caps[i] = uint64(s.u32(""))
	}
	s.u32("")
	if s.next(codeStruct, "caps64") {
		for i := range p.caps {
			p.caps[i] |= uint64(s.u32("")) << 32
		}
		s.u32("")
		s.need(codeStructEnd, "")
	}
	if s.next(codeStruct, "capsx") {
		s.u32("")
		s.u32("")
		s.need(codeStructEnd, "")
	}
}

// automaton reads an optional automaton.
func (p *Profile) automaton(s *stream) *dfa {
	if s.next(codeStruct, "perms") {
		s.fail("a permission table: only permissions in accept tables are read")
		return nil
	}
	if !s.next(codeBlob, "aadfa") {
		return nil
	}
	blob := s.take(int(s.number(4)))
	// The tables are aligned within the stream; the kernel's arithmetic comes
	// down to the padding being what is over eight.
	pad := len(blob) % 8
	if s.err != nil {
		return nil
	}
	d, err := readDFA(blob[pad:])
	if err != nil {
		s.fail("%w", err)
	}
	return d
}

func (p *Profile) readTargets(s *stream) {
	if !s.next(codeStruct, "xtable") {
		return
	}
	s.array(func() {
		s.need(codeString, "")
		// ":namespace\0profile" is how a target in another namespace is written.
		p.targets = append(p.targets, strings.ReplaceAll(s.text(), "\x00", ":"))
	})
	s.need(codeStructEnd, "")
}

// verify checks what walks rely on, and what the kernel refuses.
func (p *Profile) verify() error {
	if p.Name == "" {
		return errors.New("it has no name")
	}
	if p.Mode < Enforce || p.Mode > ModeUnconfined {
		return fmt.Errorf("mode %d", p.Mode)
	}
	if p.files != nil {
		if int64(p.filesStart) >= int64(len(p.files.base)) {
			return fmt.Errorf("%w: it starts outside", errDFA)
		}
		for s, a := range p.files.accept {
			for _, index := range []uint32{a >> 10 & 0xf, a >> 24 & 0xf} {
				if int(index) >= 4+len(p.targets) && index >= 4 {
					return fmt.Errorf("state %d leads to target %d of %d", s, index-4, len(p.targets))
				}
			}
		}
	}
	if p.rules != nil && int64(p.rulesStart) >= int64(len(p.rules.base)) {
		return fmt.Errorf("%w: it starts outside", errDFA)
	}
	return nil
}

// Attaches reports whether an executable gets the profile by its name.
func (p *Profile) Attaches(path string) bool {
	if p.attach == nil {
		return p.Name == path
	}
	return p.attach.accept[p.attach.walk(start, path)]&0x7f != 0
}

// File returns the permissions on a file by its path; the path of a directory
// ends in a slash. A path with NUL is no path.
func (p *Profile) File(path string, owner Owner) Perms {
	perms, _ := p.files.file(p.fileState(path), owner)
	return perms
}

func (p *Profile) fileState(path string) uint32 {
	if p.files == nil || strings.IndexByte(path, 0) >= 0 {
		return dead
	}
	return p.files.walk(p.filesStart, path)
}

// Exec returns what an exec of the path leads to, and false when it is denied.
func (p *Profile) Exec(path string, owner Owner) (Transition, bool) {
	perms, packed := p.files.file(p.fileState(path), owner)
	if !perms.Has(Exec) {
		return Transition{}, false
	}
	t := p.transition(packed)
	return t, t.Kind != None
}

// Link reports whether link may be made a hard link to target, and whether that
// is reported.
func (p *Profile) Link(link, target string, owner Owner) (ok, audit bool) {
	if p.files == nil || strings.IndexByte(target, 0) >= 0 {
		return false, true
	}
	s := p.fileState(link)
	first, firstExec := p.files.file(s, owner)
	if !first.Has(Link) {
		return false, first.Quiet&Link == 0
	}
	second, _ := p.files.file(p.files.walk(s, "\x00"+target), owner)
	if !second.Has(Link) {
		return false, second.Quiet&Link == 0
	}
	if second.Allow&linkSubset == 0 {
		return true, second.Audit&Link != 0
	}
	of, ofExec := p.files.file(p.fileState(target), owner)
	lacks := first.Allow &^ (of.Allow | Link)
	if first.Has(Exec) {
		// Of two transitions the safer one is the smaller.
		const unsafe = 0x100
		a, b := firstExec&^0x7f, ofExec&^0x7f
		if a&^unsafe != b&^unsafe || a&unsafe != 0 && b&unsafe == 0 {
			lacks |= Exec
		}
	}
	return lacks == 0, lacks != 0 && second.Quiet&lacks != lacks || second.Audit&Link != 0
}

// Capability reports whether a capability may be used, whether its use is
// reported, and whether its denial is not.
func (p *Profile) Capability(n int) (ok, audit, quiet bool) {
	bit := func(set uint64) bool { return n >= 0 && n < 64 && set>>n&1 != 0 }
	return bit(p.caps[0]), bit(p.caps[1]), bit(p.caps[2])
}

// Classes of the automaton for all but files.
const (
	classMount  = 7
	classPtrace = 9
	classSignal = 10
	classNet    = 14
	// classLabel leads to rules by label: those about ptrace are there and at
	// classPtrace, which older kernels took.
	classLabel = 16
)

// class returns the state of a class, and dead when the profile leaves the class
// alone.
func (p *Profile) class(n byte) uint32 {
	if p.rules == nil {
		return dead
	}
	return p.rules.step(p.rulesStart, n)
}

// all are the permissions where nothing is asked.
var all = Perms{Allow: ^Mask(0)}

// Network returns the permissions on sockets of a family and type (AF_ and SOCK_
// numbers). All of them are permitted where the profile leaves the network alone.
func (p *Profile) Network(family, kind uint16) Perms {
	s := p.class(classNet)
	if s == dead {
		return all
	}
	var key [4]byte
	binary.BigEndian.PutUint16(key[:], family)
	binary.BigEndian.PutUint16(key[2:], kind)
	return p.rules.policy(p.rules.walk(s, string(key[:])))
}

// Signal returns Send and Receive for a signal (x86 number) and a peer's label,
// which is the list of its profiles.
func (p *Profile) Signal(number byte, peer ...string) Perms {
	s := p.class(classSignal)
	if s == dead {
		return all
	}
	return p.peer(p.rules.step(s, number), peer, Send|Receive)
}

// Ptrace returns the permissions on a peer's label.
func (p *Profile) Ptrace(peer ...string) Perms {
	if p.class(classPtrace) == dead {
		return all
	}
	s := p.rules.step(p.class(classLabel), classPtrace)
	return p.peer(s, peer, Trace|TraceRead|BeTraced|BeTraceRead)
}

// peer matches a label as a whole, and where that does not grant a permission
// each of its profiles, all of which must.
func (p *Profile) peer(s uint32, label []string, of Mask) Perms {
	whole := p.rules.policy(p.rules.walk(s, strings.Join(label, "//&")))
	if len(label) == 1 {
		return whole
	}
	each := Perms{Allow: of, Quiet: of}
	for _, name := range label {
		one := p.rules.policy(p.rules.walk(s, name))
		each.Allow &= one.Allow
		each.Audit |= one.Audit
		each.Quiet &= one.Quiet
	}
	return Perms{
		Allow: whole.Allow | each.Allow,
		Audit: whole.Audit&whole.Allow | each.Audit&^whole.Allow,
		Quiet: each.Quiet &^ whole.Allow,
	}
}

// MountCall is a mount as the profile sees it. Paths of directories end in a
// slash. What the kernel does not pass on (Source and Type of a remount, Type of
// a bind) is empty.
type MountCall struct {
	Target, Source, Type string
	// Flags are MS_ flags.
	Flags uint32
	Data  string
}

// Mount returns Mount when the call is permitted.
func (p *Profile) Mount(c MountCall) Perms {
	s := p.class(classMount)
	if s == dead {
		return all
	}
	for _, text := range []string{c.Target, c.Source, c.Type} {
		s = p.rules.walk(s, text+"\x00")
	}
	for i := range byte(32) {
		if c.Flags>>i&1 != 0 && s != dead {
			s = p.rules.step(s, i+1)
		}
	}
	perms := p.rules.policy(s)
	if perms.Has(Mount) || c.Data == "" || !perms.Has(more) {
		return perms
	}
	return p.rules.policy(p.rules.walk(s, "\x00"+c.Data))
}

// Umount returns Umount when the mount at a path may be removed.
func (p *Profile) Umount(path string) Perms {
	s := p.class(classMount)
	if s == dead {
		return all
	}
	return p.rules.policy(p.rules.walk(s, path))
}

// PivotRoot returns Pivot when the root may be moved to old and replaced by root.
func (p *Profile) PivotRoot(root, old string) Perms {
	s := p.class(classMount)
	if s == dead {
		return all
	}
	return p.rules.policy(p.rules.walk(s, root+"\x00"+old))
}
