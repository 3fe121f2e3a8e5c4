// SPDX-License-Identifier: Apache-2.0

// Package automata turns sets of path globs into minimal deterministic
// automata: for matching, for deciding questions about them (overlap, cover,
// emptiness, a path that shows a difference) and for packing into a table that
// a bounded loop can walk with at most two loads a byte.
//
// The way of a pattern:
//
//	Parse      pattern ─▶ Glob: its brace-free alternatives as tokens
//	Compile    Globs and labels ─▶ Set: trie of tokens with equal tails shared
//	           ─▶ subset construction ─▶ minimal DFA over byte classes
//	Set.Pack   Set ─▶ Table
//
// A Lang is the yes-or-no counterpart of a Set: a language of paths with the
// usual algebra.
//
// All languages are languages of canonical paths: "/", or one or more of
// "/component", where no component is empty, "." or "..", and no byte is NUL.
// A Set leaves open what it says about other strings (that makes it smaller);
// Set.Match and Table.Match check the path first.
//
// Everything is deterministic: the same rules give the same states, numbers and
// bytes in whatever order they come. Everything is bounded: construction stops
// with a BudgetError and lazy walks stop with ErrBudget.
//
// The package knows nothing of policies: a label is a number whose meaning is
// the caller's.
package automata
