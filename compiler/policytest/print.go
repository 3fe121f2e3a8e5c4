// SPDX-License-Identifier: Apache-2.0

package policytest

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// Text writes the cases that failed and what no case reaches, and with all also
// the cases that passed.
func (r *Report) Text(all bool) []byte {
	var b bytes.Buffer
	for i := range r.Results {
		switch res := &r.Results[i]; {
		case res.Failure != "":
			fmt.Fprintf(&b, "FAIL  %s: %s\n", res.Case.Span, res.name())
			if res.Case.Name != res.Case.Text {
				fmt.Fprintf(&b, "      %s\n", res.Case.Text)
			}
			fmt.Fprintf(&b, "      %s\n", res.Failure)
		case all:
			fmt.Fprintf(&b, "ok    %s\n", res.name())
		}
	}
	if len(r.Uncovered) > 0 {
		b.WriteString("reached by no case:\n")
		for _, u := range r.Uncovered {
			fmt.Fprintf(&b, "  %s  %s %s\n", u.Place, u.Policy.ID(), u.Rule)
		}
	}
	return b.Bytes()
}

// Document is the JSON form of a report.
type Document struct {
	APIVersion string `json:"apiVersion" jsonschema:"enum=avert.dev/v1alpha1"`
	Kind       string `json:"kind" jsonschema:"enum=TestReport"`
	Passed     int    `json:"passed"`
	Failed     int    `json:"failed"`
	// Cases are in file and document order.
	Cases    []CaseRow `json:"cases"`
	Coverage Coverage  `json:"coverage"`
}

// CaseRow is one case.
type CaseRow struct {
	Test      string `json:"test"`
	Case      string `json:"case"`
	Operation string `json:"operation"`
	// Source is file:line:column.
	Source string `json:"source"`
	// Unit is what was asked; absent when there is no such container.
	Unit   string `json:"unit,omitempty"`
	Action string `json:"action,omitempty" jsonschema:"enum=Allow,enum=Audit,enum=Block"`
	Rule   string `json:"rule,omitempty"`
	// Failure says why the case failed; absent when it passed.
	Failure string `json:"failure,omitempty"`
}

// Coverage says which rules and defaults no case reaches.
type Coverage struct {
	Rules     int            `json:"rules"`
	Reached   int            `json:"reached"`
	Uncovered []UncoveredRow `json:"uncovered"`
}

// UncoveredRow is a rule or default.
type UncoveredRow struct {
	Policy string `json:"policy"`
	Rule   string `json:"rule"`
	Source string `json:"source"`
}

// Document returns the JSON form.
func (r *Report) Document() Document {
	d := Document{
		APIVersion: "avert.dev/v1alpha1", Kind: "TestReport", Failed: r.Failed(), Passed: len(r.Results) - r.Failed(), Cases: []CaseRow{},
		Coverage: Coverage{Rules: r.Rules, Reached: r.Rules - len(r.Uncovered), Uncovered: []UncoveredRow{}},
	}
	for _, res := range r.Results {
		row := CaseRow{Test: res.Test.Namespace + "/" + res.Test.Name, Case: res.Case.Name, Operation: res.Case.Text, Source: res.Case.Span.String(), Failure: res.Failure}
		if res.Unit != nil {
			row.Unit, row.Action, row.Rule = res.Unit.Name, res.Got.Action.String(), res.Got.Rule.Rule
		}
		d.Cases = append(d.Cases, row)
	}
	for _, u := range r.Uncovered {
		d.Coverage.Uncovered = append(d.Coverage.Uncovered, UncoveredRow{u.Policy.ID(), u.Rule, u.Place})
	}
	return d
}

// The elements of JUnit's XML that CI systems read.
type (
	suites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Suites   []suite  `xml:"testsuite"`
	}
	suite struct {
		Name     string  `xml:"name,attr"`
		Tests    int     `xml:"tests,attr"`
		Failures int     `xml:"failures,attr"`
		Cases    []xcase `xml:"testcase"`
	}
	xcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Failure *failure `xml:"failure,omitempty"`
	}
	failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the report as CI systems read tests: a suite for each document.
func (r *Report) JUnit() []byte {
	out := suites{Tests: len(r.Results), Failures: r.Failed()}
	for i, res := range r.Results {
		if i == 0 || r.Results[i-1].Test != res.Test {
			out.Suites = append(out.Suites, suite{Name: res.Test.Namespace + "/" + res.Test.Name})
		}
		s := &out.Suites[len(out.Suites)-1]
		s.Tests++
		c := xcase{Name: res.Case.Name, Class: s.Name}
		if res.Failure != "" {
			s.Failures++
			c.Failure = &failure{Message: res.Failure, Text: res.Case.Span.String() + ": " + res.Case.Text}
		}
		s.Cases = append(s.Cases, c)
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(err) // of text and numbers nothing can fail
	}
	return append([]byte(xml.Header), append(text, '\n')...)
}
