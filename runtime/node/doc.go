// SPDX-License-Identifier: Apache-2.0

// Package node puts map images in force on the node that it runs on: it attaches
// the LSM programs, keeps units and their revisions in pinned maps, and says what
// is there.
//
// All state is in the BPF file system, in one folder for each layout:
//
//	avert/v1/maps/NAME           the maps of the programs, and the hash of what is attached
//	avert/v1/links/PROGRAM       the attachments; they last until their pin is removed
//	avert/v1/images/SLOT-PARITY  the image of a unit's odd or even revision, with the
//	                             head of its table as the kernel has it
//	avert/v1/changes/SLOT        a unit that a loader is changing
//
// A revision counts from the moment that its handle is stored in the map
// `policies`, which is one store of 8 bytes. What a loader left before that moment
// is unused, what it left after it is no longer used: the next one removes both.
// So a loader can be killed at any time.
//
// The package neither compiles policies nor reads events.
package node
