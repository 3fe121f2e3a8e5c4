// SPDX-License-Identifier: Apache-2.0

// Package ruletable is what a node needs to name the rule behind a denial.
//
// Kernels report a profile, an operation and an object, and know no rules. The
// compiler therefore writes one table for each unit beside the profile
// (nodes/TARGET/UNIT.rules.json): the rules with what they match and where they
// stand. Attribute finds the rule that the language says is reported.
//
// A table explains and never decides: what is enforced is in the profile. The
// package links no YAML parser and no back-end, since node programs use it.
package ruletable
