// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/schemas"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [NAME]",
		Short: "Print a JSON Schema",
		Long: `schema prints the JSON Schema (draft-07) of a kind of document, or lists the
schemas. An editor finds that of a policy by this line at the top of the file:

  # yaml-language-server: $schema=policy.schema.json`,
		Example: `  avert schema
  avert schema policy > policy.schema.json`,
		Args:      atMostOne,
		ValidArgs: schemas.Names(),
		RunE:      func(_ *cobra.Command, args []string) error { return a.schema(args) },
	}
}

func (a *app) schema(args []string) error {
	if len(args) == 0 {
		return a.listSchemas()
	}
	if !slices.Contains(schemas.Names(), args[0]) {
		return unknown("schema", args[0], schemas.Names())
	}
	return a.result(schemas.Read(args[0]))
}

func (a *app) listSchemas() error {
	type row struct {
		Name    string `json:"name"`
		Summary string `json:"summary"`
	}
	var rows []row
	var b bytes.Buffer
	for _, s := range schemas.All() {
		rows = append(rows, row(s))
		fmt.Fprintf(&b, "%-10s %s\n", s.Name, s.Summary)
	}
	if a.json() {
		return a.result(report.Marshal(rows))
	}
	return a.result(b.Bytes())
}
