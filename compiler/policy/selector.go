// SPDX-License-Identifier: Apache-2.0

package policy

import "slices"

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
