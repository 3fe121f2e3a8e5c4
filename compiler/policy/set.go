// SPDX-License-Identifier: Apache-2.0

package policy

// Set is the whole valid input of a compilation, in a canonical order that
// does not depend on the order in which files were named.
type Set struct {
	// Policies are sorted by file name, then by their place in the file.
	Policies []*Policy
	// Workloads are sorted by namespace, kind and name.
	Workloads []*Workload
	// Tests are sorted as Policies. They are no part of what is compiled.
	Tests []*Test
}
