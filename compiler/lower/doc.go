// SPDX-License-Identifier: Apache-2.0

// Package lower turns typed policies and workloads into the IR: it finds the
// effective policy of every container, numbers conditions on lineages, and
// compiles patterns to automata.
//
// It does not judge policies (check does) and knows no back-end.
package lower
