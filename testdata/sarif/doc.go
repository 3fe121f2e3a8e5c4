// SPDX-License-Identifier: Apache-2.0

// Package sarif tests what `avert lint --format sarif` prints against the schema
// that OASIS publishes, as another project carries it. It is a module of its
// own, so that this project never becomes a dependency of the command.
package sarif
