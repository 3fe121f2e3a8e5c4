// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
)

// Text writes scopes for people.
func Text(scopes []Scope) []byte {
	var b bytes.Buffer
	for i, s := range scopes {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintln(&b, s.title())
		for j := range s.Changes {
			ch := &s.Changes[j]
			fmt.Fprintf(&b, "  %s: %s\n", ch.headline(), ch.what())
			for _, line := range ch.lines() {
				fmt.Fprintf(&b, "    %s\n", line)
			}
		}
	}
	return b.Bytes()
}

func (s *Scope) title() string {
	if s.Pods == "" {
		return s.Name
	}
	return s.Name + ", " + s.Pods
}

// lines are what stands below the headline of a change.
func (ch *Change) lines() []string {
	var out []string
	if ch.Audit != "" {
		out = append(out, "in mode Audit: "+ch.Audit)
	}
	if from := ch.From.String(); from != "" {
		out = append(out, "processes: "+from)
	}
	if others := ch.others(); others != "" {
		word := "also: "
		if ch.Section == policy.Network {
			word = "flows: "
		}
		out = append(out, word+others)
	}
	for i, v := range []policy.Verdict{ch.Before, ch.After} {
		label := []string{"before: ", "after: "}[i]
		var rules []string
		for j := range ch.Rules {
			if r := &ch.Rules[j]; r.New == (i == 1) {
				rules = append(rules, r.text())
			}
		}
		if len(rules) == 1 && strings.HasPrefix(rules[0], refer(v.Rule)) {
			out = append(out, label+v.Action.String()+" by "+rules[0])
			continue
		}
		out = append(out, label+ch.decision(v))
		for _, r := range rules {
			out = append(out, "  "+r)
		}
	}
	return out
}
