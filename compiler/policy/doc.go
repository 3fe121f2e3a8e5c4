// SPDX-License-Identifier: Apache-2.0

// Package policy holds the typed policy: what check hands on after every name,
// pattern, number and selector was found valid, and the operations that a
// policy decides about.
//
// It only holds values. How an operation is decided is written twice: in ir
// (through automata) and in reference (naively).
package policy
