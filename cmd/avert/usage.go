// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/avert-dev/avert/compiler/suggest"
)

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func isUsage(err error) bool {
	var u usageError
	return errors.As(err, &u)
}

// unknown is the error about a word that is not among the known ones.
func unknown(what, word string, known []string) error {
	if meant := suggest.Words(word, known); len(meant) > 0 {
		return usagef("unknown %s %q; did you mean %s?", what, word, meant[0])
	}
	return usagef("unknown %s %q; one of: %s", what, word, strings.Join(known, ", "))
}

// flagError offers the flag that was probably meant. Flags beside an unknown
// command are not the mistake.
func (a *app) flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); !cmd.HasParent() && len(args) > 0 {
		return a.noCommand(cmd, args)
	}
	var absent *pflag.NotExistError
	if errors.As(err, &absent) && absent.GetSpecifiedShortnames() == "" {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if meant := suggest.Words(absent.GetSpecifiedName(), known); len(meant) > 0 {
			return usagef("%w; did you mean --%s?", err, meant[0])
		}
		for _, c := range cmd.Root().Commands() {
			if c.Name() == absent.GetSpecifiedName() {
				return usagef("%w; did you mean %s?", err, c.CommandPath())
			}
		}
	}
	return usageError{err}
}

// noCommand refuses a first word that is no command.
func (a *app) noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range root.Commands() {
		known = append(known, c.Name())
		for _, alias := range c.SuggestFor {
			if alias == args[0] {
				return usagef("unknown command %q; did you mean %s?", args[0], c.Name())
			}
		}
	}
	return unknown("command", args[0], known)
}

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, and %q is one", cmd.CommandPath(), args[0])
	}
	return nil
}

// atMostOne accepts up to one argument.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%s takes one argument, and %q is a second one", cmd.CommandPath(), args[1])
	}
	return nil
}
