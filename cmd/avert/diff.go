// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/diff"
	"github.com/avert-dev/avert/compiler/foreign"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/source"
	"github.com/avert-dev/avert/compiler/syntax"
)

// comparing has the flags of diff.
type comparing struct {
	revision       location
	format, failOn choice
}

func (a *app) diffCommand() *cobra.Command {
	c := comparing{format: newChoice("text", "json", "markdown", "github"), failOn: newChoice("none", "widening", "narrowing", "any")}
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what a change of policies opens up and closes",
		Long: `diff compares what two revisions of policies mean, not how they are written:
what is newly allowed, blocked or reported, with a smallest operation that shows
it and the rules behind it. A rewrite that means the same shows nothing.

OLD and NEW are files or folders with policies and, if they are known, the
workloads. With --git the old revision of the paths comes from a commit, as in

  avert diff --git origin/main --fail-on widening policies

The configuration is that of NEW. A seccomp profile, NetworkPolicy or
CiliumNetworkPolicy in place of policies is imported, and compared in what it
can say.

The exit code is 0 when the revisions were compared, and 1 when --fail-on names
something that was found.`,
		Example: `  avert diff examples/old.yaml examples/new.yaml
  avert diff --format markdown examples/old.yaml examples/new.yaml`,
		SuggestFor: []string{"compare"},
		RunE:       func(_ *cobra.Command, args []string) error { return a.diff(args, c) },
	}
	f := cmd.Flags()
	f.Var(&c.revision, "git", "the commit that has the old revision of the paths")
	f.Var(&c.format, "format", "how changes are printed")
	f.Var(&c.failOn, "fail-on", "the changes that make the exit code 1; what policies in mode Audit would do counts as any")
	complete(cmd, "format", func() []string { return c.format.words })
	complete(cmd, "fail-on", func() []string { return c.failOn.words })
	return cmd
}

func (a *app) diff(args []string, c comparing) error {
	switch n := len(args); {
	case c.revision != "" && n == 0:
		return usagef("which policies? give a file or folder")
	case c.revision == "" && n != 2:
		return usagef("diff compares two revisions, OLD and NEW, and %s given", map[bool]string{true: "only one is", false: fmt.Sprint(n, " are")}[n == 1])
	}
	newer := args
	if c.revision == "" {
		newer = args[1:]
	}
	configPath, root, err := a.configuration(newer)
	if err != nil {
		return err
	}
	var config *diag.File
	list := &diag.List{}
	if configPath != "" {
		if config, err = source.ReadFile(configPath, root, list); err != nil {
			return fmt.Errorf("configuration: %w", err)
		}
	}
	var older []source.File
	if c.revision != "" {
		older, err = a.checkout(string(c.revision), args, list)
	} else {
		older, err = a.read(args[:1], root, list)
	}
	if err != nil {
		return err
	}
	files, err := a.read(newer, root, list)
	if err != nil {
		return err
	}
	old, new := a.understand(older, config, list), a.understand(files, config, list)
	if list.HasErrors() {
		if err := a.findings(a.stderr, list.Sorted()); err != nil {
			return err
		}
		return errors.New("the policies have errors: nothing was compared")
	}
	scopes, err := compareSides(old, new)
	if err != nil {
		return fmt.Errorf("the revisions cannot be compared: %w", err)
	}
	return a.compared(c, scopes, len(old.Set.Policies), len(new.Set.Policies))
}

// side is one revision, understood.
type side struct {
	*compiler.Result
	// imported says that it was made of what other projects use.
	imported bool
}

// compareSides compares revisions. What was imported has other names than the
// policy that it is compared with, and says nothing about other sections.
func compareSides(old, new side) ([]diff.Scope, error) {
	if !old.imported && !new.imported || len(old.Program.Units) != 1 || len(new.Program.Units) != 1 {
		return compiler.Compare(old.Result, new.Result)
	}
	changes, err := compiler.CompareUnits(new.Result, old.Program.Units[0], new.Program.Units[0])
	for _, s := range []side{old, new} {
		if s.imported {
			changes = slices.DeleteFunc(changes, func(ch diff.Change) bool { return !s.Set.Policies[0].Governs(ch.Section) })
		}
	}
	if len(changes) == 0 {
		return nil, err
	}
	name := old.Set.Policies[0].ID()
	if old.imported {
		name = new.Set.Policies[0].ID()
	}
	return []diff.Scope{{Name: name, Changes: changes}}, err
}

// understand runs the stages up to the meaning of policies. Errors come into
// list; other findings are those of lint.
func (a *app) understand(files []source.File, config *diag.File, list *diag.List) side {
	in := compiler.Input{Config: config}
	var imported []*diag.File
	for _, f := range files {
		if path.Base(f.Name) == syntax.ConfigName {
			continue
		}
		in.Files = append(in.Files, f.File)
		found := &diag.List{}
		if text := foreign.Import(f.File, foreign.Options{}, found); text != nil {
			imported = append(imported, diag.NewFile(f.Name+" as imported", text))
			if err := a.findings(a.stderr, found.Sorted()); err != nil {
				continue // what is not carried over could not be told
			}
		}
	}
	if len(imported) > 0 {
		in.Files = imported
	}
	result := compiler.Understand(in)
	for _, d := range result.Findings {
		if d.Severity == diag.Error {
			list.Add(d)
		}
	}
	return side{result, len(imported) > 0}
}

// read reads paths; files are called as they open from the working folder.
func (a *app) read(paths []string, root string, list *diag.List) ([]source.File, error) {
	files, err := source.Read(paths, root, a.stdin, list)
	for _, f := range files {
		if f.Path != "" {
			f.Name = filepath.ToSlash(f.Path)
		}
	}
	return files, err
}

func (a *app) compared(c comparing, scopes []diff.Scope, olds, news int) error {
	var text []byte
	switch c.format.value {
	case "json":
		text = report.Marshal(diff.NewDocument(scopes))
	case "markdown":
		text = diff.Markdown(scopes)
	case "github":
		text = diff.GitHub(scopes)
	default:
		text = diff.Text(scopes)
	}
	if err := a.result(text); err != nil {
		return err
	}
	n := diff.Count(scopes)
	a.verdict("compared %s with %s: %d widening, %d narrowing, %s", report.Plural(olds, "policy"), report.Plural(news, "policy"),
		n.Widening, n.Narrowing, report.Plural(n.Other, "other change"))
	failed := map[string]bool{"widening": n.Widening > 0, "narrowing": n.Narrowing > 0, "any": len(scopes) > 0}
	if failed[c.failOn.value] {
		return errFindings
	}
	return nil
}
