// SPDX-License-Identifier: Apache-2.0

// Package check turns documents into the typed policy and finds what is wrong
// with them: first values (is this a system call, can this pattern match), then
// meaning (is this rule shadowed, do these policies contradict each other).
//
// It never stops at the first finding. It reads no files, and knows neither the
// IR nor any back-end: whether a rule can be enforced is found later.
package check
