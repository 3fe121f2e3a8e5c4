// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// Severity orders diagnostics: Error is the most severe.
type Severity uint8

const (
	// Note informs and never fails a run.
	Note Severity = iota
	// Warning fails a run only with --fail-on warning.
	Warning
	// Error makes the input unusable.
	Error
)

// String returns "note", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "note"
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Diagnostic is one finding about the input.
type Diagnostic struct {
	Code     Code
	Severity Severity
	Span     Span
	// Message says what is wrong, in one line, lower case, without a full stop.
	Message string
	// Hint says what was probably meant or how to mend it; it may be empty.
	Hint string
	// Notes point at other places that explain the finding.
	Notes []Related
	// Fix is a replacement that mends the finding, or nil.
	Fix *Fix
}

// Related is a second place that belongs to a finding.
type Related struct {
	Span    Span
	Message string
}

// Fix replaces the text of Span by Text.
type Fix struct {
	Span Span
	Text string
}

// MaxPerFile is how many findings about one file a List keeps.
const MaxPerFile = 1000

// List collects diagnostics. It is safe for concurrent use.
type List struct {
	mu     sync.Mutex
	items  []Diagnostic
	counts map[*File]int
}

// Option completes a diagnostic that Report adds.
type Option func(*Diagnostic)

// Hint sets what was probably meant. An empty format sets nothing.
func Hint(format string, args ...any) Option {
	return func(d *Diagnostic) {
		if format != "" {
			d.Hint = fmt.Sprintf(format, args...)
		}
	}
}

// See adds a related place.
func See(span Span, format string, args ...any) Option {
	return func(d *Diagnostic) {
		d.Notes = append(d.Notes, Related{span, fmt.Sprintf(format, args...)})
	}
}

// Replace offers a fix.
func Replace(span Span, text string) Option {
	return func(d *Diagnostic) { d.Fix = &Fix{span, text} }
}

// Report adds a finding with the severity that the catalogue gives its code.
// Beyond MaxPerFile findings about a file it adds an error that says so, and no
// more.
func (l *List) Report(code Code, span Span, message string, options ...Option) {
	d := Diagnostic{Code: code, Severity: code.Severity(), Span: span, Message: message}
	for _, o := range options {
		o(&d)
	}
	l.Add(d)
}

// Add adds a finding as it is.
func (l *List) Add(d Diagnostic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[*File]int{}
	}
	l.counts[d.Span.File]++
	switch n := l.counts[d.Span.File]; {
	case d.Span.File == nil, n <= MaxPerFile:
		l.items = append(l.items, d)
	case n == MaxPerFile+1:
		l.items = append(l.items, Diagnostic{
			Code: TooLarge, Severity: Error, Span: Span{File: d.Span.File},
			Message: fmt.Sprintf("more than %d findings in this file; the others are left out", MaxPerFile),
		})
	}
}

// Sorted returns the findings in file, position, code and message order, each
// exactly once.
func (l *List) Sorted() []Diagnostic {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.items)
	slices.SortStableFunc(out, compare)
	return slices.CompactFunc(out, func(a, b Diagnostic) bool { return compare(a, b) == 0 })
}

// Count returns the number of distinct findings of a severity.
func (l *List) Count(s Severity) int {
	n := 0
	for _, d := range l.Sorted() {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// HasErrors says whether any finding is an Error.
func (l *List) HasErrors() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.items, func(d Diagnostic) bool { return d.Severity == Error })
}

func compare(a, b Diagnostic) int {
	return cmp.Or(
		cmp.Compare(a.Span.name(), b.Span.name()),
		cmp.Compare(a.Span.Start, b.Span.Start),
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.Hint, b.Hint),
	)
}

func (s Span) name() string {
	if s.File == nil {
		return ""
	}
	return s.File.Name
}
