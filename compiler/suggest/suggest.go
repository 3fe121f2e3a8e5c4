// SPDX-License-Identifier: Apache-2.0

// Package suggest finds what somebody probably meant to type. It only compares
// words; wording a message around them is the caller's.
package suggest

import (
	"cmp"
	"slices"
	"strings"
)

const (
	maxWords  = 3  // more is no help to choose from
	maxLength = 64 // bytes; no name that this is used for is longer
)

// Words returns the candidates that are close to word, the closest first and
// equally close ones in alphabetical order; at most three, and none that is not
// a plausible slip. Letter case is ignored. A word that is itself a candidate
// needs no suggestion, so callers ask about unknown words only.
//
// Closeness is the number of insertions, deletions, replacements and swaps of
// neighbouring bytes (optimal string alignment distance). A third of the
// word's length may be wrong, at least one byte and at most three.
func Words(word string, candidates []string) []string {
	folded := strings.ToLower(word)
	if word == "" || len(folded) > maxLength {
		return nil
	}
	type match struct {
		word     string
		distance int
	}
	var matches []match
	limit := min(max(len(folded)/3, 1), 3)
	for _, c := range candidates {
		if d := distance(folded, strings.ToLower(c), limit); d <= limit && d < len(c) {
			matches = append(matches, match{c, d})
		}
	}
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.word, b.word))
	})
	matches = slices.Compact(matches)
	var words []string
	for _, m := range matches[:min(len(matches), maxWords)] {
		words = append(words, m.word)
	}
	return words
}

// distance returns the optimal string alignment distance of a and b, or
// anything above limit when it is above limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	// Three rows of the dynamic program: for a[:i-2], a[:i-1] and a[:i].
	var rows [3][maxLength + 4]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
