// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/syntax"
)

// Excepted counts findings that were taken out.
type Excepted struct{ Waived, Suppressed, Ignored int }

// except takes out what is excepted by waivers, comments and ignored files, and
// reports waivers that have expired and comments that are of no use.
func (s *Set) except(found []diag.Diagnostic, files []*diag.File, today string, list *diag.List) (rest []diag.Diagnostic, e Excepted) {
	comments := map[*diag.File]*suppressions{}
	for _, f := range files {
		comments[f] = s.suppressions(f, list)
	}
	for _, d := range found {
		r := s.Find(string(d.Code))
		switch {
		case d.Span.File == nil:
			rest = append(rest, d)
		case s.config.ignored(d.Span.File):
			e.Ignored++
		case comments[d.Span.File].cover(r, d.Span):
			e.Suppressed++
		case s.waived(r, d.Span.File, today):
			e.Waived++
		default:
			rest = append(rest, d)
		}
	}
	for _, f := range files {
		comments[f].reportUnused(list)
	}
	for _, w := range s.config.waivers {
		if w.expired(today) {
			list.Report(diag.ExpiredWaiver, w.Expires.Span, fmt.Sprintf("the waiver of %s for %s has expired: %s", w.Rule.Value, w.Owner.Value, w.Reason.Value), diag.Hint("remove it and mend what is found, or decide anew"))
		}
	}
	return rest, e
}

func (w *waiver) expired(today string) bool { return today > w.Expires.Value }

func (c *Config) ignored(f *diag.File) bool { return len(c.patterns) > 0 && c.ignore.Has("/"+f.Name) }

func (s *Set) waived(r *Rule, f *diag.File, today string) bool {
	for _, w := range s.config.waivers {
		if !w.expired(today) && s.Find(w.Rule.Value) == r && w.files.Has("/"+f.Name) {
			return true
		}
	}
	return false
}

// marker begins a comment that suppresses findings.
const marker = "avert:ignore"

// suppressions are the comments of one file, by the line that they are about.
type suppressions struct {
	byLine map[int][]*suppression
}

type suppression struct {
	rule *Rule
	span diag.Span
	used bool
}

// suppressions reads the comments of a file.
func (s *Set) suppressions(f *diag.File, list *diag.List) *suppressions {
	out := &suppressions{map[int][]*suppression{}}
	if !bytes.Contains(f.Source, []byte(marker)) {
		return out
	}
	for line := 1; ; line++ {
		text := f.Line(line)
		if text == nil {
			return out
		}
		before, comment, ok := strings.Cut(string(text), "# "+marker)
		if !ok {
			continue
		}
		about := line
		if strings.TrimSpace(before) == "" {
			about = nextLine(f, line)
		}
		start := f.Offset(line, 1) + len(before)
		span := diag.Span{File: f, Start: start, End: start + len("# "+marker+comment)}
		names, reason, _ := strings.Cut(comment, ":")
		if strings.TrimSpace(reason) == "" {
			list.Report(diag.InvalidIgnore, span, "a suppression gives a reason", diag.Hint("write # %s RULE: reason", marker))
			continue
		}
		for name := range strings.SplitSeq(names, ",") {
			if r := s.named(syntax.Text{Value: strings.TrimSpace(name), Span: span}, list); r != nil {
				out.byLine[about] = append(out.byLine[about], &suppression{rule: r, span: span})
			}
		}
	}
}

// nextLine is the first line after a comment that is none.
func nextLine(f *diag.File, line int) int {
	for line++; strings.HasPrefix(strings.TrimSpace(string(f.Line(line))), "#"); line++ {
	}
	return line
}

// cover says whether a comment is about a finding, and notes that it is used.
func (s *suppressions) cover(r *Rule, span diag.Span) bool {
	if s == nil {
		return false
	}
	line, _ := span.File.Position(span.Start)
	covered := false
	for _, c := range s.byLine[line] {
		if c.rule == r {
			c.used, covered = true, true
		}
	}
	return covered
}

func (s *suppressions) reportUnused(list *diag.List) {
	for _, line := range s.byLine {
		for _, c := range line {
			if !c.used {
				list.Report(diag.UnusedIgnore, c.span, fmt.Sprintf("%s finds nothing here", c.rule.ID), diag.Hint("remove the comment"))
			}
		}
	}
}
