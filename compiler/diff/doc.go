// SPDX-License-Identifier: Apache-2.0

// Package diff compares what policies mean, not how they are written: what is
// newly allowed, blocked or reported, with a smallest operation that shows it.
//
//	Programs ─▶ scopes: a container, or the pods of a policy that stands alone
//	         ─▶ Layers: what is enforced, and each policy in mode Audit by itself
//	         ─▶ changes by section: cells of paths, of flows, of arguments and of
//	            lineages that neither side tells apart, decided by both sides
//
// The comparison is exact: it finds a change exactly when some operation is
// decided otherwise, whatever its lineage, and every witness is such an
// operation. Renames, links and scripts follow from the parts that they consist
// of. What would take too long is an error, never an empty answer.
package diff
