// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "github.com/spf13/cobra"

// nodeCommands are there on Linux only.
func (*app) nodeCommands() []*cobra.Command { return nil }
