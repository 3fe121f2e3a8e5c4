// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"bytes"
	"testing"

	"sigs.k8s.io/yaml"
)

// tree is an emitted object without its type.
type tree = map[string]any

// mutation plants a bug in an emitted object. It reports false when the object
// has no place for it.
type mutation struct {
	name  string
	plant func(object tree) bool
}

// specs returns those of an object.
func specs(object tree) []tree {
	if one, ok := object["spec"].(tree); ok {
		return []tree{one}
	}
	var out []tree
	for _, s := range object["specs"].([]any) {
		out = append(out, s.(tree))
	}
	return out
}

// inSpec plants in the first spec that has a place.
func inSpec(plant func(spec tree) bool) func(tree) bool {
	return func(object tree) bool {
		for _, s := range specs(object) {
			if plant(s) {
				return true
			}
		}
		return false
	}
}

// inRule plants in the first item of the lists that has a place.
func inRule(plant func(rule tree) bool, lists ...string) func(tree) bool {
	return inSpec(func(spec tree) bool {
		for _, list := range lists {
			rules, _ := spec[list].([]any)
			for _, r := range rules {
				if plant(r.(tree)) {
					return true
				}
			}
		}
		return false
	})
}

func remove(m tree, key string) bool {
	_, had := m[key]
	delete(m, key)
	return had
}

// lose drops the last item of a list, or leaves one that matches nothing.
func lose(list string, nothing []any) func(tree) bool {
	return inSpec(func(spec tree) bool {
		rules, _ := spec[list].([]any)
		if len(rules) == 0 || len(rules) == 1 && len(rules[0].(tree)) == 0 {
			return false
		}
		if spec[list] = rules[:len(rules)-1]; len(rules) == 1 {
			spec[list] = nothing
		}
		return true
	})
}

// rename gives the values of keys to other keys; each key has one pair.
func rename(m tree, pairs ...[2]string) {
	old := tree{}
	for k, v := range m {
		old[k] = v
	}
	for _, p := range pairs {
		for _, swap := range [][2]string{p, {p[1], p[0]}} {
			delete(m, swap[1])
			if v, ok := old[swap[0]]; ok {
				m[swap[1]] = v
			}
		}
	}
}

// swap exchanges the directions of a spec.
func swap(spec tree) bool {
	for _, list := range []string{"ingress", "ingressDeny", "egress", "egressDeny"} {
		rules, _ := spec[list].([]any)
		for _, r := range rules {
			rename(r.(tree), [2]string{"from", "to"}, [2]string{"fromEndpoints", "toEndpoints"}, [2]string{"fromCIDRSet", "toCIDRSet"}, [2]string{"fromEntities", "toEntities"})
			if ports, ok := r.(tree)["toPorts"].([]any); ok {
				for _, p := range ports {
					delete(p.(tree), "rules")
				}
			}
			if remove(r.(tree), "toFQDNs") {
				r.(tree)["fromEntities"] = []any{"world"}
			}
		}
	}
	rename(spec, [2]string{"ingress", "egress"}, [2]string{"ingressDeny", "egressDeny"})
	for i, v := range anySlice(spec["policyTypes"]) {
		other := map[any]any{"Ingress": "Egress", "Egress": "Ingress"}[v]
		if len(anySlice(spec["policyTypes"])) == 1 {
			spec["policyTypes"].([]any)[i] = other
		}
	}
	if deny, ok := spec["enableDefaultDeny"].(tree); ok {
		rename(deny, [2]string{"ingress", "egress"})
	}
	return true
}

func anySlice(v any) []any {
	s, _ := v.([]any)
	return s
}

// loseLabel drops a requirement of the first selector that has one.
func loseLabel(selector any) bool {
	s, _ := selector.(tree)
	for _, kind := range []string{"matchLabels", "matchExpressions"} {
		if remove(s, kind) {
			return true
		}
	}
	return false
}

// first plants in the first item of a list of objects that has a place.
func first(list any, plant func(tree) bool) bool {
	for _, item := range anySlice(list) {
		if plant(item.(tree)) {
			return true
		}
	}
	return false
}

var allows, denies = []string{"ingress", "egress"}, []string{"ingressDeny", "egressDeny"}

var ciliumMutations = []mutation{
	{"lost Allow of ingress", lose("ingress", []any{tree{}})},
	{"lost Allow of egress", lose("egress", []any{tree{}})},
	{"lost Block of ingress", lose("ingressDeny", []any{tree{}})},
	{"lost Block of egress", lose("egressDeny", []any{tree{}})},
	{"swapped direction", inSpec(swap)},
	{"lost isolation", inSpec(func(spec tree) bool {
		spec["enableDefaultDeny"] = tree{"ingress": false, "egress": false}
		return true
	})},
	{"isolation where the default is Allow", inSpec(func(spec tree) bool { return remove(spec, "enableDefaultDeny") })},
	{"Allow without ports", inRule(func(r tree) bool { return remove(r, "toPorts") }, allows...)},
	{"Block without ports", inRule(func(r tree) bool { return remove(r, "toPorts") }, denies...)},
	{"port range without its end", inRule(func(r tree) bool {
		return first(r["toPorts"], func(p tree) bool {
			return first(p["ports"], func(p tree) bool { return remove(p, "endPort") })
		})
	}, allows...)},
	{"wrong protocol", inRule(func(r tree) bool {
		return first(r["toPorts"], func(p tree) bool {
			return p["rules"] == nil && first(p["ports"], func(p tree) bool {
				p["protocol"] = map[any]any{"TCP": "UDP", "UDP": "TCP", "SCTP": "TCP"}[p["protocol"]]
				return true
			})
		})
	}, allows...)},
	{"lost HTTP condition", inRule(func(r tree) bool {
		return first(r["toPorts"], func(p tree) bool {
			rules, _ := p["rules"].(tree)
			return rules["http"] != nil && remove(p, "rules")
		})
	}, allows...)},
	{"lost method", inRule(func(r tree) bool {
		return first(r["toPorts"], func(p tree) bool {
			rules, _ := p["rules"].(tree)
			return first(rules["http"], func(h tree) bool { return remove(h, "method") })
		})
	}, allows...)},
	{"path without its end", inRule(func(r tree) bool {
		return first(r["toPorts"], func(p tree) bool {
			rules, _ := p["rules"].(tree)
			return first(rules["http"], func(h tree) bool {
				path, _ := h["path"].(string)
				short, ok := cutQuery(path)
				h["path"] = short + ".*"
				return ok
			})
		})
	}, allows...)},
	{"path that refuses a query", inRule(func(r tree) bool {
		return first(r["toPorts"], func(p tree) bool {
			rules, _ := p["rules"].(tree)
			return first(rules["http"], func(h tree) bool {
				path, _ := h["path"].(string)
				short, ok := cutQuery(path)
				h["path"] = short
				return ok
			})
		})
	}, allows...)},
	{"CIDR without except", inRule(func(r tree) bool {
		except := func(c tree) bool { return remove(c, "except") }
		return first(r["toCIDRSet"], except) || first(r["fromCIDRSet"], except)
	}, allows...)},
	{"lost label of a peer", inRule(func(r tree) bool {
		label := func(s tree) bool { return loseLabel(s) }
		return first(r["toEndpoints"], label) || first(r["fromEndpoints"], label)
	}, allows...)},
	{"every pod", inSpec(func(spec tree) bool { return loseLabel(spec["endpointSelector"]) })},
	{"any name", inRule(func(r tree) bool {
		return first(r["toFQDNs"], func(n tree) bool {
			delete(n, "matchName")
			n["matchPattern"] = "*"
			return true
		})
	}, allows...)},
}

func cutQuery(path string) (string, bool) {
	const query = `(\?.*)?$`
	short, ok := bytes.CutSuffix([]byte(path), []byte(query))
	return string(short), ok
}

var plainMutations = []mutation{
	{"lost Allow of ingress", lose("ingress", nil)},
	{"lost Allow of egress", lose("egress", nil)},
	{"swapped direction", inSpec(swap)},
	{"lost isolation", inSpec(func(spec tree) bool {
		types := anySlice(spec["policyTypes"])
		if len(types) < 2 {
			return false
		}
		spec["policyTypes"] = types[:1]
		return true
	})},
	{"isolation where the default is Allow", inSpec(func(spec tree) bool {
		had := len(anySlice(spec["policyTypes"])) == 2
		spec["policyTypes"] = []any{"Ingress", "Egress"}
		return !had
	})},
	{"Allow without ports", inRule(func(r tree) bool { return remove(r, "ports") }, allows...)},
	{"port range without its end", inRule(func(r tree) bool {
		return first(r["ports"], func(p tree) bool { return remove(p, "endPort") })
	}, allows...)},
	{"wrong protocol", inRule(func(r tree) bool {
		return first(r["ports"], func(p tree) bool {
			p["protocol"] = map[any]any{"TCP": "UDP", "UDP": "TCP", "SCTP": "TCP"}[p["protocol"]]
			return true
		})
	}, allows...)},
	{"Allow without peers", inRule(func(r tree) bool { return remove(r, "from") || remove(r, "to") }, allows...)},
	{"ipBlock without except", inRule(func(r tree) bool {
		except := func(p tree) bool {
			block, _ := p["ipBlock"].(tree)
			return remove(block, "except")
		}
		return first(r["from"], except) || first(r["to"], except)
	}, allows...)},
	{"lost label of a peer", inRule(func(r tree) bool {
		label := func(p tree) bool { return loseLabel(p["podSelector"]) || loseLabel(p["namespaceSelector"]) }
		return first(r["from"], label) || first(r["to"], label)
	}, allows...)},
	{"every pod", inSpec(func(spec tree) bool { return loseLabel(spec["podSelector"]) })},
}

// Each planted bug is found by the comparison of TestLoweringAgrees.
//
//proves:cilium mutations
//proves:networkpolicy mutations
func TestLoweringMutations(t *testing.T) {
	cluster := village()
	var flows []sampledFlow
	for i := range 300 {
		flows = append(flows, sampleFlow(cluster).Example(i))
	}
	for i, b := range backends[:2] {
		compiledSets := make([]compiled, 0, 250)
		for seed := range cap(compiledSets) {
			compiledSets = append(compiledSets, compile(b.target, b.pool, samplePolicies(false).Example(seed)))
		}
		for _, m := range [][]mutation{ciliumMutations, plainMutations}[i] {
			t.Run(b.name+"/"+m.name, func(t *testing.T) {
				planted := 0
				for _, c := range compiledSets {
					stream, ok := plant(t, m, c.stream)
					if !ok {
						continue
					}
					planted++
					docs, err := Parse(stream)
					if err != nil {
						t.Fatalf("%v\n%s", err, stream)
					}
					o, err := b.load(cluster, docs)
					if err != nil {
						t.Fatalf("%v\n%s", err, stream)
					}
					for _, f := range flows {
						if !relevant(b.icmp, f) {
							continue
						}
						got, err := o.judge(f)
						if err != nil {
							t.Fatal(err)
						}
						if d := c.disagreement(cluster, f, got); d != "" {
							t.Logf("found in sample %d: %s", planted, d)
							return
						}
					}
				}
				t.Errorf("planted in %d samples, and not found", planted)
			})
		}
	}
}

// plant changes the first object that has a place for the mutation.
func plant(t *testing.T, m mutation, stream []byte) ([]byte, bool) {
	docs := bytes.Split(stream, []byte("---\n"))
	for i, doc := range docs {
		var object tree
		if err := yaml.Unmarshal(doc, &object); err != nil {
			t.Fatal(err)
		}
		if object == nil || !m.plant(object) {
			continue
		}
		b, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		docs[i] = b
		return bytes.Join(docs, []byte("---\n")), true
	}
	return nil, false
}
