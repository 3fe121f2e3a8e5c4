// SPDX-License-Identifier: Apache-2.0

// Package selinux has only tests: processes in the types that the selinux back-end generates do, on real kernels, what the
// policy allows and no more.
package selinux
