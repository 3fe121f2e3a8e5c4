// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"slices"

	"github.com/spf13/cobra"
)

var shells = []string{"bash", "fish", "powershell", "zsh"}

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script for shell completion",
		Long: `completion prints a script that makes a shell complete the commands, flags and
values of avert: for bash, fish, powershell or zsh.`,
		Example: `  avert completion bash > avert.bash
  avert completion zsh > _avert`,
		Args:      atMostOne,
		ValidArgs: shells,
		RunE:      func(cmd *cobra.Command, args []string) error { return a.completion(cmd.Root(), args) },
	}
}

func (a *app) completion(root *cobra.Command, args []string) error {
	var b bytes.Buffer
	var err error
	switch {
	case len(args) == 0:
		return usagef("for which shell? one of: bash, fish, powershell, zsh")
	case !slices.Contains(shells, args[0]):
		return unknown("shell", args[0], shells)
	case args[0] == "bash":
		err = root.GenBashCompletionV2(&b, true)
	case args[0] == "fish":
		err = root.GenFishCompletion(&b, true)
	case args[0] == "powershell":
		err = root.GenPowerShellCompletionWithDesc(&b)
	default:
		err = root.GenZshCompletion(&b)
	}
	if err != nil {
		return err
	}
	return a.result(b.Bytes())
}
