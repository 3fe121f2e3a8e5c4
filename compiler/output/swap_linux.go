// SPDX-License-Identifier: Apache-2.0

package output

import "golang.org/x/sys/unix"

// swap exchanges two names in the folder that fd stands for, atomically.
func swap(fd int, a, b string) error {
	return unix.Renameat2(fd, a, fd, b, unix.RENAME_EXCHANGE)
}
