// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/runtime/image"
)

func (a *app) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify IMAGE...",
		Short: "Say whether images could be loaded",
		Long: `verify looks at images as load does before anything reaches the kernel, and
prints one line for each: ok with what it is, or refused with the reason. It
needs no privileges.

Exit codes: 0 all are ok, 1 some are refused, 2 some cannot be read.`,
		Example: `  avert-node verify nodes/lsm/*.img`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, paths []string) error {
			for _, path := range paths {
				if err := a.verify(path); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) verify(path string) error {
	data, err := readImage(path)
	if err != nil {
		return err
	}
	m, err := image.Decode(data)
	if err != nil {
		a.findings = true
		_, err = fmt.Fprintf(a.stdout, "%s: refused: %v\n", path, err)
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: ok: %s, revision %s\n", path, m.Identity.Unit, m.Identity.Revision)
	return err
}

// readImage reads a file, and no more of it than an image can have and a byte.
func readImage(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, image.MaxBytes+1))
}
