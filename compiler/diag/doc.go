// SPDX-License-Identifier: Apache-2.0

// Package diag holds source files, spans and diagnostics: what every stage of
// the compiler uses to say what is wrong and where.
//
// It is not a logger and knows nothing of YAML or policies. A stage appends to
// a List; the command line sorts and prints it once.
package diag
