// SPDX-License-Identifier: Apache-2.0

package differ

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/internal/apparmorbin"
)

// model enforces as the kernel does, by what the real parser makes of a profile.
type model struct {
	profiles map[string]*apparmorbin.Profile
	label    map[string]bool
	first    string
	nnp      bool
}

func newModel(parser apparmorbin.Parser, c *Compiled, text string) (*model, error) {
	all, messages, err := parser.Policy(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, messages)
	}
	profiles, err := apparmorbin.Load(all)
	if err != nil {
		return nil, err
	}
	m := &model{profiles: map[string]*apparmorbin.Profile{}, label: map[string]bool{c.Profile: true}, first: c.Profile, nnp: c.trial.NoNewPrivs}
	for _, p := range profiles {
		m.profiles[p.Name] = p
	}
	return m, nil
}

// run makes the attempts of a trial.
func (m *model) run(t *Trial) []Outcome {
	var out []Outcome
	for _, a := range t.Attempts {
		o := m.attempt(a)
		out = append(out, o)
		if o == Killed {
			break
		}
	}
	return out
}

func (m *model) attempt(a Attempt) Outcome {
	switch {
	case a.Capability != "":
		n := slices.Index(linux.CapabilityNames(), a.Capability)
		return m.all(func(p *apparmorbin.Profile) bool {
			ok, _, _ := p.Capability(capabilityNumber(a.Capability))
			return n < 0 || ok || p.Mode == apparmorbin.Complain
		})
	case a.Exec:
		return m.exec(a)
	case a.Access == policy.AccessLink:
		return m.all(func(p *apparmorbin.Profile) bool {
			ok, _ := p.Link(a.Target, a.Path, true)
			return ok || p.Mode == apparmorbin.Complain
		})
	case a.Access == policy.AccessRename:
		end := ""
		if a.Directory {
			end = "/"
		}
		return m.all(func(p *apparmorbin.Profile) bool {
			return p.Mode == apparmorbin.Complain || p.File(a.Path+end, true).Has(apparmorbin.Read|apparmorbin.Write|apparmorbin.Delete) &&
				p.File(a.Target+end, true).Has(apparmorbin.Write|apparmorbin.Create)
		})
	}
	path := a.Path
	if a.Directory {
		path += "/"
	}
	ask := func(mask apparmorbin.Mask) Outcome {
		return m.all(func(p *apparmorbin.Profile) bool {
			return p.Mode == apparmorbin.Complain || p.File(path, true).Has(mask)
		})
	}
	switch a.Access {
	case policy.AccessRead:
		return ask(apparmorbin.Read)
	case policy.AccessWrite:
		return ask(apparmorbin.Write)
	case policy.AccessCreate:
		return ask(apparmorbin.Create)
	case policy.AccessDelete:
		return ask(apparmorbin.Delete)
	case policy.AccessChmod:
		return ask(apparmorbin.Chmod)
	case policy.AccessChown:
		return ask(apparmorbin.Chown)
	case policy.AccessMap:
		if ask(apparmorbin.Read) != Passed {
			return Unclear // it cannot be opened
		}
		return ask(apparmorbin.Map)
	}
	return Passed // times and xattr
}

// all says whether every profile of the label permits something.
func (m *model) all(permits func(*apparmorbin.Profile) bool) Outcome {
	for name := range m.label {
		if !permits(m.profiles[name]) {
			return Denied
		}
	}
	return Passed
}

func (m *model) exec(a Attempt) Outcome {
	after := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(m.label)) {
		p := m.profiles[name]
		tr, ok := p.Exec(a.Path, true)
		switch {
		case !ok && p.Mode == apparmorbin.Complain, ok && tr.Kind == apparmorbin.Inherit:
			after[name] = true
		case !ok:
			return Denied
		case tr.Kind == apparmorbin.Named:
			for target := range strings.SplitSeq(tr.Target, "//&") {
				if m.profiles[target] == nil {
					return Denied
				}
				after[target] = true
			}
		default:
			panic(fmt.Sprintf("unexpected transition %+v", tr))
		}
	}
	if m.nnp && !after[m.first] {
		return Denied
	}
	image := a.Path
	if a.Interpreter != "" {
		image = a.Interpreter
	}
	for name := range after {
		if !m.label[name] && m.profiles[name].Mode != apparmorbin.Complain && !m.profiles[name].File(image, true).Has(apparmorbin.Read|apparmorbin.Map) {
			return Killed
		}
	}
	m.label = after
	return Passed
}

// capabilityNumber is that of linux/capability.h.
func capabilityNumber(name string) int {
	return map[string]int{"CHOWN": 0, "KILL": 5, "NET_RAW": 13, "SYS_CHROOT": 18, "SYS_ADMIN": 21}[name]
}

// TestModel compares the policies with what the parser makes of the profiles.
//
//proves:apparmor random
func TestModel(t *testing.T) {
	parser := apparmorbin.NewParser(t, "6.12")
	decided, attempts, domains := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		trial := Trials().Draw(t, "trial")
		c, ok := Compile(trial)
		if !ok || c.Profile == "" {
			t.Skip("no profile")
		}
		m, err := newModel(parser, c, c.Text)
		if err != nil {
			t.Fatalf("%v\n%s", err, c.Text)
		}
		outcomes := m.run(trial)
		differences, n := Compare(c, outcomes)
		decided, attempts, domains = decided+n, attempts+len(outcomes), domains+len(m.profiles)-1
		if len(differences) > 0 {
			t.Fatalf("%s\n%s\n%s", differences[0], Describe(trial), c.Text)
		}
	})
	t.Logf("%d attempts, of which %d were decided; %d domains", attempts, decided, domains)
}
