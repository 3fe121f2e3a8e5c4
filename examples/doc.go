// SPDX-License-Identifier: Apache-2.0

// Package examples holds one folder per workload, each with its policies, its
// manifest and the node pool that it is meant for, and the test that compiles
// them. There is no code to import.
package examples
