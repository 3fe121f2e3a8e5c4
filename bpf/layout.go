// SPDX-License-Identifier: Apache-2.0

// Package bpf holds the LSM programs, and the layout of what they read: the one
// place that the compiler, which writes images, the node loader, which verifies
// them, and the C side agree on.
//
// An image is one file per container policy, little-endian throughout:
//
//	Header    magic, layout, length, SHA-256 of the whole
//	identity  JSON: what the image is (Identity)
//	table     what the programs read: Head, slots, Cells, Belows
//	rules     JSON: the rule table for alerts (package ruletable)
//
// The table becomes the value of one map element as it stands, so that a new
// revision is one swap. References in it are offsets from its start in words of
// 4 (slots) or 8 bytes (cells and belows).
//
// The package knows neither policies nor how programs are loaded.
package bpf

// Layout is the version of images, maps and pins. Programs and images of
// different layouts never meet.
const Layout = 1

// Magic begins every image.
const Magic = "AVERTLSM"

// Section is one part of an image: an offset from its start and a length, in
// bytes. Sections are multiples of 8 bytes long, follow one another without a
// gap, and are padded with zeros.
type Section struct {
	Offset, Length uint64
}

// Header begins an image.
type Header struct {
	Magic  [8]byte
	Layout uint32
	_      uint32
	// Length is that of the image in bytes.
	Length uint64
	// SHA256 is the hash of the whole image with this field zero.
	SHA256                 [32]byte
	Identity, Table, Rules Section
}

// HeaderSize is the number of bytes of a Header.
const HeaderSize = 104

// Identity is the JSON of an image's first section, without spaces, padded with
// spaces to a multiple of 8 bytes.
type Identity struct {
	// Unit is the name of the effective policy; loading an image of the same unit
	// replaces it.
	Unit      string `json:"unit"`
	Namespace string `json:"namespace"`
	// Policies are "namespace/name" of all that govern the unit, in order.
	Policies []string `json:"policies"`
	// Revision is "sha256:" and the hash of the policies' source files.
	Revision string `json:"revision"`
	// Atoms are the pattern lists of the lineage's atoms, in the order of their bits.
	Atoms [][]string `json:"atoms"`
}

// Limits of the layout.
const (
	// MaxParts is the number of automata that the programs walk side by side.
	MaxParts = 4
	// MaxLayers is the number of layers: what is enforced, and policies in mode Audit.
	MaxLayers = 4
	// MaxConditions on the lineage; one more bit is Always.
	MaxConditions = 63
	// Always is the bit of the condition that holds for every process.
	Always = 63
	// MaxAtoms is the number of atoms, and the bits of each field of a State.
	MaxAtoms = 64
	// Accesses is the number of ways of using a file, process/exec included, in the
	// bit order of policy.Access.
	Accesses = 12
	// Exec is the index of executing; Map that of mapping as executable.
	Exec, Map = 11, 10
	// Operations is the number of operations of `system`, in their order there,
	// rounded up.
	Operations = 8
	// Carries is the number of earlier revisions whose lineages are translated.
	Carries = 16
	// PathMax is the length of the longest path that is read.
	PathMax = 4096
	// Components is the number of components of the longest path that is read.
	Components = 128
	// MaxPolicies is the number of units that a node can hold.
	MaxPolicies = 1024
)

// TableSizes are the sizes in bytes that the table of a policy can have in the
// kernel: the smallest that takes it is used. 4 MiB is the largest map element
// of Linux 5.10.
var TableSizes = [...]int{1 << 16, 1 << 19, 1 << 22}

// Defaults of sections.
const (
	Ungoverned = iota // no policy has the section
	Allow
	Audit
	Block
)

// Flags of Layer.Closed: a path that cannot be known is blocked.
const (
	ClosedProcess = 1 << iota
	ClosedFile
	ClosedMap // because process blocks the mapping of something
)

// Head begins a table.
type Head struct {
	// Bytes is the length of the table.
	Bytes uint32
	// Generation counts the revisions of the unit on this node, from 1. The loader
	// sets it and what follows up to Carried; the compiler leaves zero.
	Generation uint32
	// Carried is the number of rows of Carry that mean something.
	Carried uint32
	Layers  uint32
	// Parts is the number of Starts.
	Parts uint32
	// Starts are references to start states: an offset of a slot, with SinkBit (see
	// package automata).
	Starts [MaxParts]uint32
	// Conditions is the number of Conds.
	Conditions uint32
	// Atoms is the number of atoms.
	Atoms uint32
	// Anonymous is the reference to the Cell of objects without a path.
	Anonymous uint32
	// Nothing is the reference to zeros, as many as the largest Cell or Below has: what
	// a path has about which no rule says anything.
	Nothing uint32
	// Relevant are the accesses that are relevant to some layer.
	Relevant uint32
	// Parents and Ancestors are the atoms that such conditions use.
	Parents, Ancestors uint64
	Layer              [MaxLayers]Layer
	Conds              [MaxConditions + 1]Condition
	// Carry translates lineages: Carry[n][i] is the atom that stands for atom i of
	// the revision n+1 generations ago, or 255.
	Carry   [Carries][MaxAtoms]uint8
	Classes [256]uint8
}

// Layer is what an effective policy says apart from paths.
type Layer struct {
	// Process, File and System are defaults. System applies to SystemCovers.
	Process, File, System uint8
	// Closed are the Closed flags.
	Closed       uint8
	SystemCovers uint32
	// Relevant are the accesses, as a mask of policy.Access, about which the layer
	// may say anything but to allow silently.
	Relevant uint32
	_        uint32
	// Operations are the rules of `system`, by operation.
	Operations [Operations]Masks
}

// Masks says under which conditions rules apply: bits of Head.Conds, and Always.
type Masks struct {
	// Block are the conditions of rules that block; Loud those of them that report.
	Block, Loud uint64
	Audit       uint64
	Allow       uint64
}

// Condition is a condition on the lineage: each mask has at most one atom.
type Condition struct {
	Exe, Parent, Ancestor uint64
}

// State is the domain of a process.
type State struct {
	Current, Parent, Seen uint64
}

// Cell is what the rules say about the paths that a state accepts; the cells of
// the parts are united. As many CellLayers follow as the Head has Layers.
type Cell struct {
	// Atoms that the path matches.
	Atoms uint64
	// Below is the reference to the Below of every directory of this cell when the
	// state that accepts it is a sink.
	Below uint32
	// Loader is 1 when the path is that of a dynamic loader.
	Loader uint32
}

// CellLayer is the part of a Cell about one layer.
type CellLayer struct {
	// LoaderAllow are the conditions under which a rule allows the loader by path.
	LoaderAllow uint64
	// Access is indexed by the bit of policy.Access. A Block rule of process
	// without a condition is also in Access[Map].
	Access [Accesses]Masks
}

// A Below is what the rules say below a directory: as many BelowLayers as the Head
// has Layers. A state after "/" refers to it by what it accepts for the byte NUL,
// which no path has, with BelowBit; sinks by their cell. A state without one has
// no rules below it: all fields zero.

// BelowBit marks references to a Below in accept slots; others are to a Cell.
const BelowBit = 1 << 23

// BelowLayer is the part of a Below about one layer.
type BelowLayer struct {
	// Class is equal for directories below which the layer says the same; 0 is
	// that of directories without rules below them.
	Class uint64
	// The conditions under which something below is blocked or allowed by rules of
	// process and file. Blocks of mapping by process are in BlockFile, those of
	// loaders in BlockProcess.
	BlockProcess, BlockFile, AllowProcess, AllowFile uint64
}
