// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel end a command when this process ends, also when it is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
