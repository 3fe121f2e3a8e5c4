// SPDX-License-Identifier: Apache-2.0

package bpf

// Counter is an index into the map `counters` of uint64.
type Counter uint32

// The counters, since the programs were first loaded.
const (
	// Reported are the records that found a place in `events`.
	Reported Counter = iota
	// Lost are those that found none.
	Lost
	// Blocked are the operations that were refused. Quiet rules report none.
	Blocked
	// Failed are those of them that were refused because something failed, such as
	// memory. None of them is reported.
	Failed
)

// Counters are the names of all counters.
var Counters = [...]string{Reported: "reported", Lost: "lost", Blocked: "blocked", Failed: "failed"}
