// SPDX-License-Identifier: Apache-2.0

// Package docs holds the documentation and what keeps it true: diagnostics.md,
// coverage.md and the tables of back-ends.md are generated, every example of
// language.md and of the README is run by a test, and node.md is compared with the
// code that it is about. There is no code to import.
package docs

//go:generate go run ./gen
