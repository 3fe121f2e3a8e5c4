// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
)

func found(text string) Run {
	file := diag.NewFile("a b/c:d,%.yaml", []byte(text))
	at := strings.Index(text, "bad")
	return Run{Files: 1, Findings: []diag.Diagnostic{
		{Code: "AV0101", Severity: diag.Error, Span: diag.Span{File: file, Start: at, End: at + 3}, Message: "x: 100%\n<y>", Hint: "mend\x01", Notes: []diag.Related{{Span: diag.Span{File: file}, Message: "here"}},
			Fix: &diag.Fix{Span: diag.Span{File: file, Start: at, End: at + 3}, Text: "good"}},
		{Code: "AV0101", Severity: diag.Warning, Span: diag.Span{File: file, Start: at, End: at + 3}, Message: "again"},
		{Code: "network-default", Severity: diag.Note, Message: "no place"},
	}}
}

func TestGitHub(t *testing.T) {
	const want = `::error file=a b/c%3Ad%2C%25.yaml,line=2,endLine=2,col=3,endColumn=6,title=AV0101::x: 100%25%0A<y>%0Amend` + "\x01" + `
::warning file=a b/c%3Ad%2C%25.yaml,line=2,endLine=2,col=3,endColumn=6,title=AV0101::again
::notice title=network-default::no place
`
	r := found("é\n- bad\n")
	if diff := cmp.Diff(want, string(r.GitHub())); diff != "" {
		t.Error("(-want +got)", diff)
	}
}

func TestJUnit(t *testing.T) {
	r := found("é\n- bad\n")
	text := r.JUnit(diag.Error)
	var got junitSuites
	if err := xml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 3 || got.Failures != 1 || len(got.Suites) != 2 || got.Suites[0].Cases[0].Failure == nil || got.Suites[0].Cases[1].Failure != nil {
		t.Errorf("%s", text)
	}
	if want := "a b/c:d,%.yaml:2:3: error: x: 100%\n<y>\nhint: mend?"; got.Suites[0].Cases[0].Failure.Text != want {
		t.Errorf("%q, want %q", got.Suites[0].Cases[0].Failure.Text, want)
	}
	clean := Run{Files: 1}
	if err := xml.Unmarshal(clean.JUnit(diag.Error), &got); err != nil {
		t.Fatal(err)
	}
}

// prints are the fingerprints of the findings with a place.
func prints(t *testing.T, r Run) []string {
	var log struct {
		Runs []struct {
			Results []struct {
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal(r.SARIF(nil), &log); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, result := range log.Runs[0].Results {
		if p, ok := result.PartialFingerprints["primaryLocationLineHash"]; ok {
			out = append(out, p)
		}
	}
	return out
}

// TestFingerprints: they survive lines above and indentation, and tell findings
// in one line apart.
func TestFingerprints(t *testing.T) {
	first := prints(t, found("é\n- bad\n"))
	if len(first) != 2 || first[0] == first[1] {
		t.Errorf("%q", first)
	}
	if moved := prints(t, found("é\nmore\n\n    - bad\n")); !cmp.Equal(first, moved) {
		t.Errorf("%q became %q", first, moved)
	}
	if other := prints(t, found("é\n- other bad\n")); cmp.Equal(first, other) {
		t.Errorf("%q did not change", other)
	}
}
