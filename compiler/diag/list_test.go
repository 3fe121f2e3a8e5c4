// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCatalogue(t *testing.T) {
	last := Code("")
	titles := map[string]bool{}
	for _, e := range Catalogue {
		if e.Code <= last || !regexp.MustCompile(`^AV0[0-7][0-9]{2}$`).MatchString(string(e.Code)) {
			t.Errorf("%s follows %s", e.Code, last)
		}
		if e.Title == "" || !strings.HasSuffix(e.Text, ".") || titles[e.Title] {
			t.Errorf("%s is %q: %q", e.Code, e.Title, e.Text)
		}
		last, titles[e.Title] = e.Code, true
	}
	if s := Code("AV9999").Severity(); s != Error {
		t.Errorf("an unknown code is a %s", s)
	}
}

func TestSorted(t *testing.T) {
	a, b := NewFile("a", []byte("xyz")), NewFile("b", []byte("xyz"))
	var l List
	l.Report(DeadRule, Span{b, 1, 2}, "third")
	l.Report(DeadRule, Span{a, 2, 3}, "second", Hint("h"))
	l.Report(UnknownKey, Span{b, 1, 2}, "before a warning")
	l.Report(DeadRule, Span{a, 1, 2}, "first")
	l.Report(DeadRule, Span{a, 1, 2}, "first")
	l.Report(Gap, Span{}, "of no file")
	var got []string
	for _, d := range l.Sorted() {
		got = append(got, d.Span.String()+" "+d.Message)
	}
	want := []string{" of no file", "a:1:2 first", "a:1:3 second", "b:1:2 before a warning", "b:1:2 third"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if l.Count(Error) != 2 || l.Count(Warning) != 3 || !l.HasErrors() {
		t.Errorf("%d errors, %d warnings", l.Count(Error), l.Count(Warning))
	}
}

// TestMaxPerFile: what is left out is an error, whatever it was.
func TestMaxPerFile(t *testing.T) {
	f := NewFile("a", make([]byte, 1))
	var l List
	for i := range 3 * MaxPerFile {
		l.Report(DeadRule, Span{f, 0, 0}, strings.Repeat("x", i))
		l.Report(Gap, Span{}, strings.Repeat("x", i))
	}
	if got := l.Count(Warning); got != MaxPerFile {
		t.Errorf("%d are kept", got)
	}
	if got := l.Count(Error); got != 3*MaxPerFile+1 {
		t.Errorf("%d errors", got)
	}
}

func TestPrint(t *testing.T) {
	f := NewFile("dir/a.yaml", []byte("key: väl\x1b]0;ue # "+strings.Repeat("x", 300)+"\n"))
	for _, c := range []struct {
		d    Diagnostic
		want string
	}{
		{Diagnostic{Code: Gap, Message: "no place"}, "note[AV0501]: no place\n"},
		{
			Diagnostic{Code: UnknownWord, Severity: Error, Span: Span{f, 5, 14}, Message: "wrong\x07", Hint: "did you\nmean", Notes: []Related{{Span{f, 0, 3}, "key"}}},
			"dir/a.yaml:1:6: error[AV0202]: wrong?\n    key: väl?]0;ue # " + strings.Repeat("x", 143) + "\n         ^^^^^^^^\n  see: dir/a.yaml:1:1: key\n  hint: did you?mean\n",
		},
		{
			Diagnostic{Code: UnknownWord, Severity: Warning, Span: Span{f, 318, 9999}, Message: "late"},
			"dir/a.yaml:1:318: warning[AV0202]: late\n    " + strings.Repeat("x", 80) + "\n" + strings.Repeat(" ", 84) + "^\n",
		},
	} {
		var b bytes.Buffer
		if err := (Printer{}).Print(&b, []Diagnostic{c.d}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Error(diff)
		}
		b.Reset()
		if err := (Printer{Color: true}).Print(&b, []Diagnostic{c.d}); err != nil {
			t.Fatal(err)
		}
		if plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(b.String(), ""); plain != c.want {
			t.Errorf("in colour %q", b.String())
		}
	}
}
