// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

// merged finds patterns below the directories that are symbolic links into /usr
// on most distributions.
var merged = regexp.MustCompile(`^/(bin|sbin|lib|lib32|lib64|libx32)(/|$)`)

// twins reports patterns that name a path before symbolic links only.
func twins(p *policy.Policy, list *diag.List) {
	for _, s := range governed(p) {
		for i, r := range p.Rules(s) {
			if section := p.Paths(s); (s == policy.Process || s == policy.File) && section != nil {
				twinless(section.Rules[i].Paths, list)
			}
			if r.From != nil {
				twinless(r.From.Exe, list)
				twinless(r.From.Parent, list)
				twinless(r.From.Ancestor, list)
			}
		}
	}
}

// twinless reports the patterns of one list whose twin it lacks.
func twinless(patterns []policy.Pattern, list *diag.List) {
	var all []string // with braces expanded, once there is need
	for _, p := range patterns {
		for _, text := range alternatives(p.Text) {
			if !merged.MatchString(text) {
				continue
			}
			if all == nil {
				for _, q := range patterns {
					all = append(all, alternatives(q.Text)...)
				}
			}
			if slices.Contains(all, "/usr"+text) {
				continue
			}
			var options []diag.Option
			if text == p.Text {
				both := "/{usr/,}" + text[1:]
				options = []diag.Option{diag.Hint("write %q", both), replace(syntax.Text{Value: p.Text, Span: p.Span}, both)}
			} else {
				options = []diag.Option{diag.Hint("add %q", "/usr"+text)}
			}
			list.Report(diag.MissingTwin, p.Span, fmt.Sprintf("%s is without its twin: where /%s is a symbolic link, the kernel sees /usr%s", p.Text, merged.FindStringSubmatch(text)[1], text), options...)
			break
		}
	}
}
