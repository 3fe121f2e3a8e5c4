// SPDX-License-Identifier: Apache-2.0

package differ

import "regexp"

// Mutation is a defect that a back-end could have, planted in its output.
type Mutation struct {
	Name string
	// Plant returns the text with the defect, unchanged where it has no place.
	Plant func(text string) string
}

// Mutations are defects that a comparison must find.
var Mutations = []Mutation{
	{"a wrong glob", replace(`(?m)^( +(?:audit )?(?:deny )?/[^ ]*)\*\*([^ ]* [rwlkm]+,)$`, `$1*$2`)},
	{"a lost transition", replace(`(?m)^( +(?:audit )?[^ ]+) px -> [^ ]+//d\d+,$`, `$1 ix,`)},
	{"a swapped access bit", replace(`(?m)^( +(?:audit )?(?:deny )?/[^ps{][^ ]* )r([wlk]*),$`, `${1}m$2,`)},
	{"a lost denial", replace(`(?m)^ +(?:audit )?deny /[^ps][^ ]* [rwlm]+,$`, ``)},
	{"a lost program", replace(`(?m)^( +)audit deny ([^ ]+) mx,$`, `${1}audit deny $2 m,`)},
}

func replace(pattern, by string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(text string) string { return re.ReplaceAllString(text, by) }
}
