// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/suggest"
)

// The types of flags. An empty value is refused: it is rather an unset
// variable of a script than meant.

var errEmpty = errors.New("it is empty")

// location is a flag that takes a file or folder.
type location string

// Set implements pflag.Value.
func (l *location) Set(s string) error {
	if s == "" {
		return errEmpty
	}
	*l = location(s)
	return nil
}

// String implements pflag.Value.
func (l *location) String() string { return string(*l) }

// Type implements pflag.Value.
func (l *location) Type() string { return "PATH" }

// locations is a flag that takes a file or folder, and may be given several
// times.
type locations []string

// Set implements pflag.Value.
func (l *locations) Set(s string) error {
	if s == "" {
		return errEmpty
	}
	*l = append(*l, s)
	return nil
}

// String implements pflag.Value.
func (l *locations) String() string { return strings.Join(*l, " ") }

// Type implements pflag.Value.
func (l *locations) Type() string { return "PATH" }

// names is a flag that takes words, with commas or given several times.
type names []string

// Set implements pflag.Value.
func (n *names) Set(s string) error {
	words := strings.Split(s, ",")
	if slices.Contains(words, "") {
		return errEmpty
	}
	*n = append(*n, words...)
	return nil
}

// String implements pflag.Value.
func (n *names) String() string { return strings.Join(*n, ",") }

// Type implements pflag.Value.
func (n *names) Type() string { return "NAME,..." }

// choice is a flag that takes one of some words, the first when not given.
type choice struct {
	words []string
	value string
}

func newChoice(words ...string) choice { return choice{words, words[0]} }

// Set implements pflag.Value.
func (c *choice) Set(word string) error {
	if slices.Contains(c.words, word) {
		c.value = word
		return nil
	}
	if meant := suggest.Words(word, c.words); len(meant) > 0 {
		return fmt.Errorf("did you mean %s?", meant[0])
	}
	return fmt.Errorf("one of: %s", strings.Join(c.words, ", "))
}

// String implements pflag.Value.
func (c *choice) String() string { return c.value }

// Type implements pflag.Value.
func (c *choice) Type() string { return strings.Join(c.words, "|") }
