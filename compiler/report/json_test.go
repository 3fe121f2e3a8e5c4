// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
)

func TestJSON(t *testing.T) {
	file := diag.NewFile("a.yaml", []byte("é: <x>\r\nb: 1\n"))
	empty := diag.NewFile("empty.yaml", nil)
	r := Run{Files: 2, Policies: 1, Findings: []diag.Diagnostic{
		{Code: diag.UnknownKey, Severity: diag.Error, Span: diag.Span{File: file, Start: 4, End: 9}, Message: "<b>", Fix: &diag.Fix{Span: diag.Span{File: file, Start: 4, End: 4}, Text: "x"}},
		{Code: diag.UnreadableInput, Severity: diag.Error, Span: diag.Span{File: empty}, Message: "m"},
		{Code: diag.UnknownTarget, Severity: diag.Warning, Message: "no place"},
	}}
	const want = `{
  "apiVersion": "avert.dev/v1alpha1",
  "kind": "Findings",
  "counts": {
    "files": 2,
    "policies": 1,
    "workloads": 0,
    "errors": 2,
    "warnings": 1,
    "notes": 0
  },
  "findings": [
    {
      "file": "a.yaml",
      "line": 1,
      "column": 4,
      "endLine": 2,
      "endColumn": 1,
      "code": "AV0101",
      "severity": "error",
      "message": "<b>",
      "fix": {
        "file": "a.yaml",
        "line": 1,
        "column": 4,
        "endLine": 1,
        "endColumn": 4,
        "text": "x"
      }
    },
    {
      "file": "empty.yaml",
      "line": 1,
      "column": 1,
      "endLine": 1,
      "endColumn": 1,
      "code": "AV0001",
      "severity": "error",
      "message": "m"
    },
    {
      "code": "AV0402",
      "severity": "warning",
      "message": "no place"
    }
  ]
}
`
	if diff := cmp.Diff(want, string(r.JSON())); diff != "" {
		t.Error("(-want +got)", diff)
	}
}

func TestVerdict(t *testing.T) {
	finding := func(severities ...diag.Severity) []diag.Diagnostic {
		var out []diag.Diagnostic
		for _, s := range severities {
			out = append(out, diag.Diagnostic{Severity: s})
		}
		return out
	}
	for want, r := range map[string]Run{
		"0 files, 0 policies, 0 workloads: 0 errors, 0 warnings":         {},
		"1 file, 1 policy, 1 workload: 0 errors, 1 warning":              {Files: 1, Policies: 1, Workloads: 1, Findings: finding(diag.Warning)},
		"3 files, 2 policies, 3 workloads: 0 errors, 0 warnings, 1 note": {Files: 3, Policies: 2, Workloads: 3, Findings: finding(diag.Note)},
		"3 files: 1 error, 2 warnings":                                   {Files: 3, Policies: 2, Findings: finding(diag.Error, diag.Warning, diag.Warning)},
	} {
		if got := r.Verdict(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
