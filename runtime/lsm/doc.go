// SPDX-License-Identifier: Apache-2.0

// Package lsm turns what the LSM programs report into alerts that name policy, rule
// and place.
//
//	Reader ─▶ Decode ─▶ Record ─▶ Explainer ─▶ event.Event
//
// Reports say which layers refuse or audit, and the state of the lineage; the
// image of the revision that decided says by which rule. The package takes part in
// no decision, and loads nothing.
package lsm
