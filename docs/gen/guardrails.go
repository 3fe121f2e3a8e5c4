// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/guard"
	"github.com/avert-dev/avert/rego"
)

// about is the page but for the list of rules.
//
//go:embed guardrails.md
var about string

// guardrails writes the page about guardrails: what people need to know, the
// table of rules and controls, and each rule.
func guardrails() ([]byte, error) {
	list := &diag.List{}
	set := guard.Load([]guard.Source{{Files: rego.Files(), BuiltIn: true}}, guard.Configure(nil, list), list)
	if list.HasErrors() {
		return nil, fmt.Errorf("built-in rules: %v", list.Sorted())
	}
	b := bytes.NewBufferString("<!-- Generated from rego and docs/gen/guardrails.md by go generate ./docs; DO NOT EDIT. -->\n\n")
	b.WriteString(about)
	b.WriteString("| rule | severity | judges | finds | controls |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range set.Rules {
		severity := r.Severity.String()
		if r.Optional {
			severity += ", optional"
		}
		fmt.Fprintf(b, "| [%s](#%s) | %s | %s | %s | %s |\n", r.ID, r.ID, severity, r.Judges, r.Title, strings.Join(r.Controls, ", "))
	}
	for _, r := range set.Rules {
		fmt.Fprintf(b, "\n### %s\n\n**%s.** %s\n\nWhat to do: %s.\n", r.ID, r.Title, r.Description, code(r.Action))
		for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
			switch v := r.Parameters[name].(type) {
			case string:
				fmt.Fprintf(b, "\nParameter `%s`: `%q`\n", name, v)
			case []string:
				fmt.Fprintf(b, "\nParameter `%s`: `%s`\n", name, strings.Join(v, "`, `"))
			}
		}
		var links []string
		for _, l := range r.References {
			links = append(links, "<"+l+">")
		}
		fmt.Fprintf(b, "\nSee %s\n", strings.Join(links, ", "))
	}
	return b.Bytes(), nil
}

// code quotes a text that has YAML in it.
func code(s string) string {
	if strings.ContainsAny(s, "{}[]") {
		return "`" + s + "`"
	}
	return s
}
