// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"

	"github.com/avert-dev/avert/compiler/diag"
)

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

// junitSuite is one file.
type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	Failure   *junitFailure `xml:"failure"`
	Output    string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// JUnit returns the run as CI servers read results of tests: a suite for each
// file with findings. Findings below the severity fail are cases that pass,
// with their text as output. A run without findings has one case that passes.
func (r *Run) JUnit(fail diag.Severity) []byte {
	out := junitSuites{Name: "avert lint"}
	var suite *junitSuite
	for _, d := range r.Findings {
		name := "avert"
		if !d.Span.IsZero() {
			name = d.Span.File.Name
		}
		if suite == nil || suite.Name != name {
			suite = &junitSuite{Name: name}
			out.Suites = append(out.Suites, suite)
		}
		text := fmt.Sprintf("%s: %s: %s", d.Span, d.Severity, d.Message)
		if d.Hint != "" {
			text += "\nhint: " + d.Hint
		}
		c := junitCase{Name: printable(fmt.Sprintf("%s %s", d.Code, d.Span)), ClassName: printable(name)}
		if d.Severity >= fail {
			c.Failure = &junitFailure{printable(d.Message), string(d.Code), printable(text)}
			suite.Failures++
			out.Failures++
		} else {
			c.Output = printable(text)
		}
		suite.Tests++
		out.Tests++
		suite.Cases = append(suite.Cases, c)
	}
	if len(out.Suites) == 0 {
		out.Tests = 1
		out.Suites = []*junitSuite{{Name: "avert", Tests: 1, Cases: []junitCase{{Name: r.Verdict(), ClassName: "avert"}}}}
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(err) // strings and numbers
	}
	return append([]byte(xml.Header), append(text, '\n')...)
}

// printable replaces characters that a document of XML cannot have.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
