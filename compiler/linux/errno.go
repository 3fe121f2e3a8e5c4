// SPDX-License-Identifier: Apache-2.0

package linux

// Errno returns the number of an error such as "EPERM". All ABIs of this package
// share the numbers of asm-generic/errno.h.
func Errno(name string) (number int, ok bool) { return errnos.number(name) }

// ErrnoNames lists the names of all errors in alphabetical order, aliases
// included.
func ErrnoNames() []string { return errnos.names() }
