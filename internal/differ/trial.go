// SPDX-License-Identifier: Apache-2.0

// Package differ compares what enforces AppArmor profiles with what policies
// mean: it draws policies and processes that try something, says what the
// lowerings of the apparmor back-end leave open, and shrinks counterexamples.
//
// It is for tests, and knows neither kernels nor how profiles are read: those are
// Enforcers.
package differ

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

// Trial is policies that govern a container, and one process of it.
type Trial struct {
	Policies   []*policy.Policy
	NoNewPrivs bool
	// Entry is the program that the runtime starts.
	Entry string
	// Attempts follow one another. An exec that succeeds makes the process the
	// program, so that its lineage grows; nothing else lasts.
	Attempts []Attempt
}

// Attempt is one operation.
type Attempt struct {
	// Exec says that Path is executed. If it is a script, Interpreter runs it.
	Exec        bool
	Interpreter string
	// Access is what is done with Path otherwise: rename and link give it the name
	// Target.
	Access       policy.Access
	Target       string
	TargetExists bool
	// Capability is used instead of a file when it is not empty.
	Capability string
	Path       string
	Directory  bool
}

// String tells the attempt in words.
func (a Attempt) String() string {
	switch {
	case a.Capability != "":
		return "capability " + a.Capability
	case a.Exec && a.Interpreter != "":
		return fmt.Sprintf("exec %q, a script of %q", a.Path, a.Interpreter)
	case a.Exec:
		return fmt.Sprintf("exec %q", a.Path)
	}
	s := fmt.Sprintf("%s %q", a.Access, a.Path)
	if a.Directory {
		s += ", a directory"
	}
	if a.Target != "" {
		s += fmt.Sprintf(" to %q", a.Target)
	}
	if a.TargetExists {
		s += ", which exists"
	}
	return s
}

// programs are what conditions on the lineage name, and what processes execute.
var programs = []string{"/a", "/b/a", "/ab", "/lib/b", "/.a", "/b/ab"}

// Trials draws trials: about anything, and about lineages alone.
func Trials() *rapid.Generator[*Trial] { return rapid.OneOf(anything(), lineages()) }

// lineages draws trials with one policy whose rules have conditions that the
// processes of the trial often meet, about files and capabilities that they use.
func lineages() *rapid.Generator[*Trial] {
	return rapid.Custom(func(t *rapid.T) *Trial {
		one := func(label string) []policy.Pattern {
			return []policy.Pattern{{Text: rapid.SampledFrom(programs[:4]).Draw(t, label)}}
		}
		from := func() *policy.From {
			f := &policy.From{}
			switch rapid.IntRange(0, 3).Draw(t, "condition") {
			case 0:
				f.Exe = one("exe")
			case 1:
				f.Parent = one("parent")
			case 2:
				f.Ancestor = one("ancestor")
			default:
				f.Exe, f.Ancestor = one("exe"), one("ancestor")
			}
			return f
		}
		block := func(s policy.Section, name string) policy.Rule {
			return policy.Rule{Section: s, Name: name, Action: policy.Block, From: from()}
		}
		p := &policy.Policy{Namespace: "shop", Name: "p", File: &policy.PathSection{}}
		for n := range rapid.IntRange(1, 3).Draw(t, "file rules") {
			p.File.Rules = append(p.File.Rules, policy.PathRule{
				Rule: block(policy.File, fmt.Sprintf("f%d", n)), Access: bundle | policy.AccessRead | policy.AccessRename | policy.AccessLink,
				Paths: []policy.Pattern{{Text: fmt.Sprintf("/f/%d/**", n)}},
			})
		}
		if rapid.Bool().Draw(t, "capabilities") {
			p.Capabilities = &policy.CapabilitySection{Rules: []policy.CapabilityRule{{Rule: block(policy.Capabilities, "c"), Names: []policy.Pattern{{Text: "CHOWN"}}}}}
		}
		if rapid.Bool().Draw(t, "process") {
			start := policy.PathRule{Rule: policy.Rule{Section: policy.Process, Name: "start"}, Access: policy.AccessExec, Paths: []policy.Pattern{{Text: "/{a,b/a}"}}}
			p.Process = &policy.PathSection{Default: policy.Block, Rules: []policy.PathRule{start}}
			for _, path := range programs[2:4] {
				rule := policy.Rule{Section: policy.Process, Name: path[1:], From: from()}
				p.Process.Rules = append(p.Process.Rules, policy.PathRule{Rule: rule, Access: policy.AccessExec, Paths: []policy.Pattern{{Text: path}}})
			}
		}
		if p.Process == nil {
			rule := policy.Rule{Section: policy.Process, Name: "tool", Action: policy.Block}
			p.Process = &policy.PathSection{Rules: []policy.PathRule{{Rule: rule, Access: policy.AccessExec, Paths: []policy.Pattern{{Text: programs[3]}}}}}
		}
		if rapid.Bool().Draw(t, "allow-list") {
			p.File.Default = policy.Block
			p.File.Rules = append(p.File.Rules, policy.PathRule{
				Rule: policy.Rule{Section: policy.File, Name: "all"}, Access: policy.AccessFile, Paths: []policy.Pattern{{Text: "/f/**"}},
			})
		}
		trial := &Trial{Policies: []*policy.Policy{p}, NoNewPrivs: rapid.Bool().Draw(t, "no_new_privs"), Entry: programs[0]}
		for range rapid.IntRange(2, 5).Draw(t, "execs") {
			trial.Attempts = append(trial.Attempts, Attempt{Exec: true, Path: rapid.SampledFrom(programs[:4]).Draw(t, "program")})
			trial.Attempts = append(trial.Attempts, Attempt{Access: policy.AccessLink, Path: "/f/x", Target: "/f/y"})
			for n := range p.File.Rules {
				for _, access := range []policy.Access{policy.AccessRead, policy.AccessWrite, policy.AccessCreate, policy.AccessDelete} {
					trial.Attempts = append(trial.Attempts, Attempt{Access: access, Path: fmt.Sprintf("/f/%d/x", n)})
				}
			}
			if p.Capabilities != nil {
				trial.Attempts = append(trial.Attempts, Attempt{Capability: "CHOWN"})
			}
		}
		return trial
	})
}

func anything() *rapid.Generator[*Trial] {
	return rapid.Custom(func(t *rapid.T) *Trial {
		trial := &Trial{Policies: sample.Policies().Draw(t, "policies"), NoNewPrivs: rapid.Bool().Draw(t, "no_new_privs")}
		for _, p := range trial.Policies {
			p.Network, p.Syscalls, p.System = nil, nil, nil
			p.Accepts = nil
			rewrite(t, p)
		}
		trial.Entry = rapid.SampledFrom(programs).Draw(t, "entry")
		near := patternsOf(trial.Policies)
		for range rapid.IntRange(1, 3).Draw(t, "execs") {
			if a, ok := exec(t, near); ok {
				trial.Attempts = append(trial.Attempts, a)
			}
			for range rapid.IntRange(8, 20).Draw(t, "attempts") {
				if a, ok := attempt(t, near); ok {
					trial.Attempts = append(trial.Attempts, a)
				}
			}
		}
		return trial
	})
}

// rewrite makes conditions on the lineage such as people write, about few
// programs, and denials of process less likely: what cannot be executed shows
// nothing.
func rewrite(t *rapid.T, p *policy.Policy) {
	if p.Process != nil && p.Process.Default == policy.Block && rapid.Bool().Draw(t, "processes may start") {
		p.Process.Rules = append(p.Process.Rules, policy.PathRule{
			Rule:   policy.Rule{Section: policy.Process, Name: "start", Action: policy.Allow},
			Access: policy.AccessExec, Paths: []policy.Pattern{{Text: "/{a,b/a,ab,lib/b,.a,b/ab}"}},
		})
	}
	for _, s := range policy.Sections {
		for _, r := range p.Rules(s) {
			if r.From == nil {
				continue
			}
			for _, field := range []*[]policy.Pattern{&r.From.Exe, &r.From.Parent, &r.From.Ancestor} {
				for i := range *field {
					(*field)[i].Text = rapid.SampledFrom([]string{"/a", "/b/a", "/ab", "/{a,ab}", "/lib/b", "/b/{a,ab}", "/b/*", "/lib/**"}).Draw(t, "from")
				}
			}
		}
	}
}

func patternsOf(ps []*policy.Policy) []string {
	near := []string{"/lib/ld.so", "/{a,b/a,ab,lib/b,.a,b/ab}"}
	for _, p := range ps {
		for _, s := range []*policy.PathSection{p.Process, p.File} {
			if s == nil {
				continue
			}
			for _, r := range s.Rules {
				for _, pattern := range r.Paths {
					near = append(near, pattern.Text)
				}
				for _, n := range r.Names {
					near = append(near, "/**/"+automata.Escape(n.Text))
				}
			}
		}
	}
	return near
}

// usable says whether a path can be made in a guest: it is canonical, and none
// of the folders that the guest needs.
func usable(p string) bool {
	return automata.IsCanonical(p) && len(p) < 200 && !slices.Contains([]string{"/", "/lib", "/usr", "/usr/lib", "/lib64", "/bin", "/dev", "/etc", "/sys", "/proc"}, p)
}

func exec(t *rapid.T, near []string) (Attempt, bool) {
	a := Attempt{Exec: true, Path: rapid.SampledFrom(programs).Draw(t, "program")}
	if rapid.IntRange(0, 2).Draw(t, "any program") == 0 {
		a.Path = sample.Path(near).Draw(t, "program")
	}
	// A script with the name of a dynamic loader is refused as if it were one.
	if !strings.Contains(a.Path, "ld") && rapid.IntRange(0, 9).Draw(t, "script") == 0 {
		a.Interpreter = rapid.SampledFrom(programs).Draw(t, "interpreter")
	}
	apart := a.Interpreter == "" || !within(a.Path, a.Interpreter) && !within(a.Interpreter, a.Path)
	return a, usable(a.Path) && apart
}

func attempt(t *rapid.T, near []string) (Attempt, bool) {
	if rapid.IntRange(0, 19).Draw(t, "capability") == 0 {
		return Attempt{Capability: rapid.SampledFrom([]string{"CHOWN", "SYS_ADMIN", "NET_RAW", "KILL", "SYS_CHROOT"}).Draw(t, "name")}, true
	}
	a := Attempt{
		Access: policy.AccessNames[rapid.IntRange(0, 10).Draw(t, "access")].Access,
		Path:   sample.Path(near).Draw(t, "path"), Directory: rapid.IntRange(0, 3).Draw(t, "directory") == 0,
	}
	switch a.Access {
	case policy.AccessWrite, policy.AccessMap, policy.AccessLink, policy.AccessXattr:
		a.Directory = false
	}
	if a.Access == policy.AccessRename || a.Access == policy.AccessLink {
		a.Target = sample.Path(near).Draw(t, "target")
		a.TargetExists = a.Access == policy.AccessRename && rapid.Bool().Draw(t, "exists")
		if !usable(a.Target) || within(a.Path, a.Target) || within(a.Target, a.Path) {
			return a, false
		}
	}
	return a, usable(a.Path)
}

// within says whether a path is another or below it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(path.Clean(p), dir+"/") }
