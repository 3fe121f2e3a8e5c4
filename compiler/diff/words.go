// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/operation"
	"github.com/avert-dev/avert/compiler/policy"
)

// Widens says whether the change lets something pass that was blocked. What
// policies in mode Audit would do has no effect.
func (ch *Change) Widens() bool { return ch.Kind == Allowed && ch.Audit == "" }

// Narrows says whether the change blocks something that passed.
func (ch *Change) Narrows() bool { return ch.Kind == Blocked && ch.Audit == "" }

// headline says what the change does: "newly allowed".
func (ch *Change) headline() string {
	switch {
	case ch.Kind == Allowed && ch.Audit != "":
		return "would no longer be blocked"
	case ch.Kind == Blocked && ch.Audit != "":
		return "would newly be blocked"
	case ch.Kind == Allowed, ch.Kind == Blocked:
		return "newly " + ch.Kind.String()
	case ch.Kind == Errno:
		return "fails with another error"
	}
	word := "reported"
	if max(ch.Before.Action, ch.After.Action) == policy.Audit {
		word = "audited"
	}
	if ch.Kind == Unreported {
		return "no longer " + word
	}
	return "newly " + word
}

// what writes the witness with all uses that change alike, and how much else
// there is.
func (ch *Change) what() string {
	text := operation.String(ch.Witness)
	if len(ch.Uses) > 1 {
		text = strings.Replace(text, ch.Uses[0], strings.Join(ch.Uses, ", "), 1)
	}
	more := ""
	switch n := len(ch.Others) + ch.More; {
	case ch.Section == policy.Network:
	case ch.Endless:
		more = "and more"
	case n > 0:
		more = fmt.Sprintf("and %d more", n)
	}
	if ch.Section == policy.Syscalls && !ch.Whole {
		more = strings.TrimPrefix(more+", for some arguments", ", ")
	}
	if more == "" {
		return text
	}
	// The lineage comes last.
	by := " by "
	if len(ch.Witness.Lineage) == 0 {
		return text + " (" + more + ")"
	}
	i := strings.LastIndex(text, by)
	return text[:i] + " (" + more + ")" + text[i:]
}

// others lists what changes beside the witness, as far as it is listed.
func (ch *Change) others() string {
	if len(ch.Others) == 0 {
		return ""
	}
	shown := min(10, len(ch.Others))
	separator := ", "
	if ch.Section == policy.Network {
		separator = "; "
	}
	text := strings.Join(ch.Others[:shown], separator)
	if n := len(ch.Others) - shown + ch.More; n > 0 {
		text += fmt.Sprintf("%sand %d more", separator, n)
	}
	return text
}

// decision writes a verdict and what decided.
func (ch *Change) decision(v policy.Verdict) string {
	text := v.Action.String()
	if v.Action == policy.Block && !v.Report && v.Rule.Rule != BaseRule {
		text += " without a report"
	}
	if v.Errno > 1 {
		text += fmt.Sprintf(" with error %d", v.Errno)
	}
	switch {
	case v.Rule.Rule == "" && ch.Section == policy.Syscalls:
		return text + ", by no rule or default"
	case v.Rule.Rule == "":
		return text + ", as nothing governs it"
	case v.Rule.Rule == BaseRule:
		return text + " by the runtime's default profile"
	}
	return text + " by " + refer(v.Rule)
}

// refer names a rule and its place.
func refer(r policy.RuleRef) string {
	if r.Span.IsZero() {
		return r.Rule
	}
	return r.Rule + " (" + r.Span.String() + ")"
}

// text writes the patterns of a rule that take part.
func (p *RulePart) text() string {
	var out []string
	for _, pattern := range p.Patterns {
		text := pattern.Text
		if !pattern.Whole {
			text += " (in part)"
		}
		out = append(out, text)
	}
	return refer(p.Ref) + ": " + strings.Join(out, ", ")
}
