// SPDX-License-Identifier: Apache-2.0

// Package ir is the one intermediate representation: per container the
// effective policy as automata, sets and masks, ready to decide operations and
// to be emitted.
//
//	Program ─▶ Unit (one container, or one policy that stands alone)
//	            ├─ Enforced Layer: all policies in mode Enforce together
//	            └─ Audits: one Layer per policy in mode Audit
//	        └▶ PodNetwork (one per policy with network rules, for CNI back-ends)
//
// A Layer keeps domains as tuples (see State), so that conditions on the
// lineage never have to be expanded. Package lower builds a Program, emit/*
// read it. The IR knows nothing of YAML and of no back-end.
package ir
