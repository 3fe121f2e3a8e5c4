// SPDX-License-Identifier: Apache-2.0

package differ

import (
	"fmt"
	"strings"
)

// Outcome is what came of an attempt.
type Outcome uint8

const (
	// Passed: the operation was done.
	Passed Outcome = iota
	// Denied: it failed with EACCES or EPERM and without an effect.
	Denied
	// Killed: the process died in an exec; nothing follows.
	Killed
	// Unclear: something else failed, which says nothing.
	Unclear
)

// String returns the outcome in a word.
func (o Outcome) String() string {
	return [...]string{"passed", "was denied", "killed the process", "is unclear"}[o]
}

// Difference is an attempt that came to something that the policies and the
// lowerings rule out.
type Difference struct {
	// Index is that of the attempt.
	Index   int
	Images  []string
	Attempt Attempt
	Outcome Outcome
	Verdict Verdict
}

// String tells the difference in words.
func (d Difference) String() string {
	return fmt.Sprintf("after %s: %s %s; the policies say %s", strings.Join(d.Images, " -> "), d.Attempt, d.Outcome, d.Verdict.Why)
}

// Compare judges the outcomes of the attempts of a trial, in order; there are
// fewer when the process was killed. decided counts those that were judged and
// not left open.
func Compare(c *Compiled, outcomes []Outcome) (differences []Difference, decided int) {
	images := []string{c.trial.Entry}
	scripts := false
	for i, outcome := range outcomes {
		a := c.trial.Attempts[i]
		v := c.Judge(images, scripts, a)
		if outcome != Unclear {
			if v.MayPass != v.MayFail {
				decided++
			}
			if outcome == Passed && !v.MayPass || outcome != Passed && !v.MayFail {
				differences = append(differences, Difference{i, append([]string(nil), images...), a, outcome, v})
			}
		}
		if a.Exec && outcome == Passed {
			image := a.Path
			if a.Interpreter != "" {
				image, scripts = a.Interpreter, true
			}
			images = append(images, image)
		}
	}
	return differences, decided
}
