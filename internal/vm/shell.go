// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"os"

	"golang.org/x/term"
)

// Shell boots a guest with a shell on this process's terminal and returns when the shell ends. There is no timeout unless
// the configuration has one.
func Shell(ctx context.Context, config Config) error {
	if config.Timeout == 0 {
		config.Timeout = noTimeout
	}
	m, err := assemble(ctx, config, []string{"sh"})
	if err != nil {
		return err
	}
	if err := m.files.put("/avert/terminal", modeFile|0o600, nil); err != nil {
		return err
	}
	if fd := int(os.Stdin.Fd()); term.IsTerminal(fd) {
		before, err := term.MakeRaw(fd)
		if err != nil {
			return err
		}
		defer term.Restore(fd, before)
	}
	_, _, _, err = m.start(ctx, os.Stdin, os.Stdout)
	return err
}
