// SPDX-License-Identifier: Apache-2.0

package lsm

// The tests build avert-node themselves. Its packages are named here so that a
// stored result of a test does not outlive a change of them.
import (
	_ "github.com/avert-dev/avert/runtime/lsm"
	_ "github.com/avert-dev/avert/runtime/node"
)
