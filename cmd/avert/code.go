// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/report"
)

func (a *app) codeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "code [CODE]",
		Short: "Explain the code of a finding",
		Long: `code says what a finding is about, why it matters and what to do, or lists all
codes. Codes are stable.`,
		Example: `  avert code
  avert code AV0203`,
		Args:      atMostOne,
		ValidArgs: codes(),
		RunE:      func(_ *cobra.Command, args []string) error { return a.code(args) },
	}
}

func codes() []string {
	var out []string
	for _, e := range diag.Catalogue {
		out = append(out, string(e.Code))
	}
	return out
}

// codeRow is an entry of the catalogue.
type codeRow struct {
	Code     diag.Code     `json:"code"`
	Severity diag.Severity `json:"severity"`
	Title    string        `json:"title"`
	Text     string        `json:"text"`
}

func (a *app) code(args []string) error {
	if len(args) == 0 {
		return a.listCodes()
	}
	code := diag.Code(strings.ToUpper(args[0]))
	i := slices.IndexFunc(diag.Catalogue, func(e diag.Entry) bool { return e.Code == code })
	if i < 0 {
		return usagef("unknown code %q; avert code lists all", args[0])
	}
	e := codeRow(diag.Catalogue[i])
	if a.json() {
		return a.result(report.Marshal(e))
	}
	return a.result(fmt.Appendf(nil, "%s (%s): %s\n\n%s\n", e.Code, e.Severity, e.Title, e.Text))
}

func (a *app) listCodes() error {
	var rows []codeRow
	var b bytes.Buffer
	for _, e := range diag.Catalogue {
		rows = append(rows, codeRow(e))
		fmt.Fprintf(&b, "%s  %-8s %s\n", e.Code, e.Severity, e.Title)
	}
	if a.json() {
		return a.result(report.Marshal(rows))
	}
	return a.result(b.Bytes())
}
