// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

var operators = map[string]policy.Operator{"In": policy.In, "NotIn": policy.NotIn, "Exists": policy.Exists, "DoesNotExist": policy.DoesNotExist}

// selector checks a label selector as Kubernetes does.
func (c *checker) selector(s *syntax.Selector) policy.Selector {
	var out policy.Selector
	for _, l := range sortedLabels(s.MatchLabels) {
		key, value := l, s.MatchLabels[l]
		c.labelKey(key)
		c.labelValue(value)
		out.Requirements = append(out.Requirements, policy.Requirement{Key: key.Value, Operator: policy.In, Values: []string{value.Value}})
	}
	for _, e := range s.MatchExpressions {
		if e.Flawed {
			continue
		}
		c.labelKey(e.Key)
		r := policy.Requirement{Key: e.Key.Value, Operator: operators[e.Operator.Value]}
		for _, v := range e.Values {
			c.labelValue(v)
			r.Values = append(r.Values, v.Value)
		}
		slices.Sort(r.Values)
		r.Values = slices.Compact(r.Values)
		switch takes := r.Operator == policy.In || r.Operator == policy.NotIn; {
		case takes && len(r.Values) == 0:
			c.report(diag.InvalidSelector, e.Operator.Span, fmt.Sprintf("%s needs values", r.Operator), diag.Hint("Exists and DoesNotExist take none"))
		case !takes && len(r.Values) > 0:
			c.report(diag.InvalidSelector, e.Values[0].Span, fmt.Sprintf("%s takes no values", r.Operator), diag.Hint("In and NotIn compare with values"))
		}
		out.Requirements = append(out.Requirements, r)
	}
	out = out.And(policy.Selector{})
	if out.Disjoint(out) && !c.failed {
		c.report(diag.DeadRule, s.Place, "no labels meet all conditions of the selector")
	}
	return out
}

// sortedLabels lists the keys in the order of the source.
func sortedLabels(labels syntax.Labels) []syntax.Text {
	return slices.SortedFunc(maps.Keys(labels), func(a, b syntax.Text) int {
		return cmp.Or(cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.Value, b.Value))
	})
}

// The syntax of labels is that of Kubernetes (apimachinery, validation of
// qualified names and label values).
var (
	labelName      = regexp.MustCompile(`^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`)
	labelSubdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

func (c *checker) labelKey(t syntax.Text) {
	prefix, name, prefixed := strings.Cut(t.Value, "/")
	if !prefixed {
		prefix, name = "", t.Value
	}
	if prefixed && (len(prefix) > 253 || !labelSubdomain.MatchString(prefix)) {
		c.report(diag.InvalidSelector, t.Span, fmt.Sprintf("the prefix of the label %s is not a domain name", quote(t.Value)), diag.Hint("write it as in app.kubernetes.io/name"))
	} else if len(name) > maxLabel || !labelName.MatchString(name) {
		c.report(diag.InvalidSelector, t.Span, fmt.Sprintf("%s is not the name of a label", quote(t.Value)), diag.Hint("at most %d letters, digits, `-`, `_` and `.`, with a letter or digit at both ends", maxLabel))
	}
}

func (c *checker) labelValue(t syntax.Text) {
	if t.Value != "" && (len(t.Value) > maxLabel || !labelName.MatchString(t.Value)) {
		c.report(diag.InvalidSelector, t.Span, fmt.Sprintf("%s is not the value of a label", quote(t.Value)), diag.Hint("at most %d letters, digits, `-`, `_` and `.`, with a letter or digit at both ends", maxLabel))
	}
}
