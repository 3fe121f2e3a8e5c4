// SPDX-License-Identifier: Apache-2.0

// Package source reads what a user names on the command line: files, folders
// and standard input, and finds the configuration of a project.
//
// It bounds what it reads, and never waits for a pipe or a device. It knows
// nothing of YAML: which file is a policy is found later. What cannot be read
// because of the input itself is a finding; a path that does not exist or that
// may not be read is an error.
package source
