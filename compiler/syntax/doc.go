// SPDX-License-Identifier: Apache-2.0

// Package syntax turns YAML text into documents with positions: first a tree
// of nodes, then the Go types of the language's documents (RuntimePolicy,
// Config, workloads).
//
// It checks shape: keys, types, enumerated words, required keys. What values
// mean (is this a system call, can this pattern match) is check's business.
// The JSON Schemas are generated from the types here.
package syntax
