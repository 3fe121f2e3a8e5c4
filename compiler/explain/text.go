// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"fmt"

	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
)

// Text writes explanations for people.
func Text(list []*Explanation) []byte {
	var b bytes.Buffer
	for i, e := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n  in %s\n  %s\n", operation.String(e.Operation), e.Unit.Name, Decision(e.Verdict))
		also(&b, e.Matching, e.Verdict)
		for _, w := range e.Would {
			fmt.Fprintf(&b, "  %s in mode Audit would %s\n", w.Policy.ID(), Decision(w.Verdict))
			also(&b, w.Matching, w.Verdict)
		}
		switch {
		case e.BuiltIn():
			b.WriteString("  no back-end answers for this decision by itself: it belongs to the Blocks of its section\n")
		case e.Verdict.Rule.Rule == "":
		case len(e.Held) == 0:
			b.WriteString("  no back-end of the pools answers for this rule\n")
		}
		for _, h := range e.Held {
			fmt.Fprintf(&b, "  %s%s holds it: %s\n", h.Target, in(h.Pool), status(&h.Lowering))
		}
	}
	return b.Bytes()
}

func also(b *bytes.Buffer, matching []ir.Source, v policy.Verdict) {
	for _, s := range others(matching, v) {
		fmt.Fprintf(b, "    also matches: %s %s (%s)\n", s.Rule.Action, s.Rule.ID(), s.Rule.Span)
	}
}

func in(pool string) string {
	if pool == "default" {
		return ""
	}
	return " of " + pool
}

// Decision writes a verdict and what decides.
func Decision(v policy.Verdict) string {
	text := v.Action.String()
	if v.Errno > 1 {
		text += fmt.Sprintf(" with error %d", v.Errno)
	}
	switch {
	case v.Rule.Rule == "":
		text += ", by no rule or default"
	case v.Rule.Span.IsZero():
		text += " by " + v.Rule.Rule
	default:
		text += " by " + v.Rule.Rule + " (" + v.Rule.Span.String() + ")"
	}
	if v.Action == policy.Block && !v.Report {
		text += ", without a report"
	}
	return text
}

func status(l *emit.Lowering) string {
	text := l.Status.String()
	if l.Reason != "" {
		text += ": " + l.Reason
	}
	if l.Reports != emit.Exact {
		text += "; reports " + l.Reports.String()
		if l.ReportsReason != "" {
			text += ": " + l.ReportsReason
		}
	}
	return text
}
