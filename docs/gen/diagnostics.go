// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/avert-dev/avert/compiler/diag"
)

const preface = `<!-- Generated from compiler/diag and testdata/diagnostics by go generate ./docs; DO NOT EDIT. -->

# Diagnostics

What avert finds, by code. Codes are stable: they are never reused, and a finding never moves to another code. Findings of
severity error make the exit code 1; warnings do with ` + "`--fail-on warning`" + `. ` + "`avert code CODE`" + ` prints an entry.

`

// areas are the groups of codes, by their first digits.
var areas = []struct{ prefix, title string }{
	{"AV00", "The text"},
	{"AV01", "The shape"},
	{"AV02", "Values"},
	{"AV03", "Meaning"},
	{"AV04", "Workloads and configuration"},
	{"AV05", "Lowering"},
	{"AV06", "Guardrails"},
	{"AV07", "Import"},
}

// diagnostics writes an entry for each code, with an input that triggers it
// from the folder of archives.
func diagnostics(archives string) ([]byte, error) {
	b := bytes.NewBufferString(preface)
	b.WriteString("| code | severity | finding |\n| --- | --- | --- |\n")
	for _, e := range diag.Catalogue {
		fmt.Fprintf(b, "| [%s](#%s) | %s | %s |\n", e.Code, strings.ToLower(string(e.Code)), e.Severity, e.Title)
	}
	written := 0
	for _, area := range areas {
		fmt.Fprintf(b, "\n## %s\n", area.title)
		for _, e := range diag.Catalogue {
			if !strings.HasPrefix(string(e.Code), area.prefix) {
				continue
			}
			written++
			fmt.Fprintf(b, "\n### %s\n\n**%s: %s.** %s\n", e.Code, e.Severity, e.Title, e.Text)
			archive, err := txtar.ParseFile(filepath.Join(archives, string(e.Code)+".txtar"))
			if errors.Is(err, fs.ErrNotExist) {
				b.WriteString("\nNothing in this release raises it.\n")
				continue
			}
			if err != nil {
				return nil, err
			}
			example(b, archive)
		}
	}
	if written != len(diag.Catalogue) {
		return nil, fmt.Errorf("%d of %d codes belong to no area", len(diag.Catalogue)-written, len(diag.Catalogue))
	}
	return b.Bytes(), nil
}

// example writes the input of an archive and what is printed about it.
func example(b *bytes.Buffer, archive *txtar.Archive) {
	fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(string(archive.Comment)))
	several := len(archive.Files) > 2
	for _, f := range archive.Files {
		language := "yaml"
		switch {
		case f.Name == "want":
			language = "text"
		case f.Name == "commands":
			language = "sh"
		case several:
			fmt.Fprintf(b, "\n`%s`:\n", f.Name)
		}
		fmt.Fprintf(b, "\n```%s\n%s\n```\n", language, strings.TrimSuffix(visible(f.Data), "\n"))
	}
}

// visible spells characters that cannot be seen, and bytes that are none.
func visible(text []byte) string {
	var out strings.Builder
	for _, r := range string(text) {
		if r == '\n' || unicode.IsPrint(r) {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "<%U>", r)
		}
	}
	return out.String()
}
