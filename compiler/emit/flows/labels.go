// SPDX-License-Identifier: Apache-2.0

package flows

import "github.com/avert-dev/avert/compiler/policy"

// LabelSelector is a selector as Kubernetes writes it.
type LabelSelector struct {
	MatchLabels      map[string]string `json:"matchLabels,omitempty"`
	MatchExpressions []Requirement     `json:"matchExpressions,omitempty"`
}

// Requirement is an item of matchExpressions.
type Requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values,omitempty"`
}

// Labels writes a selector; key says how a plugin spells a key.
func Labels(s policy.Selector, key func(string) string) LabelSelector {
	var out LabelSelector
	for _, r := range s.Requirements {
		k := key(r.Key)
		if _, taken := out.MatchLabels[k]; r.Operator == policy.In && len(r.Values) == 1 && !taken {
			if out.MatchLabels == nil {
				out.MatchLabels = map[string]string{}
			}
			out.MatchLabels[k] = r.Values[0]
			continue
		}
		out.MatchExpressions = append(out.MatchExpressions, Requirement{k, r.Operator.String(), r.Values})
	}
	return out
}

// OwnNamespace says whether the peer is of the one namespace of this name.
func (p Peer) OwnNamespace(name string) bool { return p.Namespaces.Equal(namespace(name)) }
