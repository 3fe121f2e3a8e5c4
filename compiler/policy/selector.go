// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Selector is a label selector as in Kubernetes: requirements are ANDed, none
// selects everything.
type Selector struct {
	// Requirements are sorted by key, operator and values, each once.
	// matchLabels entries are In requirements with one value.
	Requirements []Requirement
}

// Operator is that of a label requirement.
type Operator uint8

const (
	In Operator = iota
	NotIn
	Exists
	DoesNotExist
)

// String returns the operator's spelling in Kubernetes.
func (o Operator) String() string { return [...]string{"In", "NotIn", "Exists", "DoesNotExist"}[o] }

// Requirement is one condition on labels.
type Requirement struct {
	Key      string
	Operator Operator
	Values   []string // sorted, each once
}

// Matches says whether the labels meet every requirement.
func (s Selector) Matches(labels map[string]string) bool {
	for _, r := range s.Requirements {
		if !r.Matches(labels) {
			return false
		}
	}
	return true
}

// Matches says whether the labels meet the requirement. As in Kubernetes,
// NotIn also holds when the label is absent.
func (r Requirement) Matches(labels map[string]string) bool {
	v, ok := labels[r.Key]
	switch r.Operator {
	case In:
		return ok && slices.Contains(r.Values, v)
	case NotIn:
		return !ok || !slices.Contains(r.Values, v)
	case Exists:
		return ok
	default:
		return !ok
	}
}

// And returns the selector that meets both.
func (s Selector) And(o Selector) Selector {
	all := slices.Concat(s.Requirements, o.Requirements)
	slices.SortFunc(all, compareRequirements)
	all = slices.CompactFunc(all, func(a, b Requirement) bool { return compareRequirements(a, b) == 0 })
	return Selector{all}
}

func compareRequirements(a, b Requirement) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Operator, b.Operator), slices.Compare(a.Values, b.Values))
}

// Equal says whether both selectors have the same requirements.
func (s Selector) Equal(o Selector) bool {
	return slices.EqualFunc(s.Requirements, o.Requirements, func(a, b Requirement) bool { return compareRequirements(a, b) == 0 })
}

// Disjoint says whether provably no labels meet both selectors: some key would
// have to be absent and present, or have a value that both do not share.
func (s Selector) Disjoint(o Selector) bool {
	// The usual case is two matchLabels, which needs no merging.
	for _, a := range s.Requirements {
		for _, b := range o.Requirements {
			if a.Key == b.Key && a.Operator == In && b.Operator == In && len(a.Values) == 1 && len(b.Values) == 1 && a.Values[0] != b.Values[0] {
				return true
			}
		}
	}
	all := s.And(o).Requirements
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Key == all[0].Key {
			n++
		}
		if !satisfiable(all[:n]) {
			return true
		}
		all = all[n:]
	}
	return false
}

// satisfiable says whether one label can meet all requirements on its key.
func satisfiable(rs []Requirement) bool {
	if (Selector{rs}).Matches(nil) {
		return true // by an absent label
	}
	limited := false
	for _, r := range rs {
		switch r.Operator {
		case DoesNotExist:
			return false
		case In:
			limited = true
			for _, v := range r.Values {
				if (Selector{rs}).Matches(map[string]string{r.Key: v}) {
					return true
				}
			}
		}
	}
	return !limited // NotIn alone leaves infinitely many values
}

// Beyond says whether some labels meet s and not o, and describes a selector of
// such labels: s, and the opposite of one requirement of o.
func (s Selector) Beyond(o Selector) (text string, ok bool) {
	opposite := map[Operator]Operator{In: NotIn, NotIn: In, Exists: DoesNotExist, DoesNotExist: Exists}
	for _, r := range o.Requirements {
		r.Operator = opposite[r.Operator]
		if not := (Selector{[]Requirement{r}}); !s.Disjoint(not) {
			return s.And(not).String(), true
		}
	}
	return "", false
}

// String writes the selector for people.
func (s Selector) String() string {
	var out []string
	for _, r := range s.Requirements {
		switch text := strings.TrimSpace(r.Key + " " + r.Operator.String() + " " + strings.Join(r.Values, ",")); {
		case r.Operator == In && len(r.Values) == 1:
			out = append(out, r.Key+"="+r.Values[0])
		default:
			out = append(out, text)
		}
	}
	if len(out) == 0 {
		return "all"
	}
	return strings.Join(out, "; ")
}
