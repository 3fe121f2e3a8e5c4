// SPDX-License-Identifier: Apache-2.0

// Package reference decides operations by the letter of docs/language.md. It
// exists to be compared with: the IR, and later the artifacts and the kernel,
// must decide likewise.
//
// It is written to be read beside the language, rule by rule, and is slow: it
// expands braces, backtracks, and looks at every rule every time. The compiler
// never uses it, and it shares no code with what it checks: it may not import
// ir, lower or automata.
//
// It decides one operation from a given lineage. Which policies govern a
// container, and how forks and execs change a lineage, are the caller's part.
package reference
