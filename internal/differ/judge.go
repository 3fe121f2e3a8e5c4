// SPDX-License-Identifier: Apache-2.0

package differ

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/apparmor"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/lower"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference"
)

// Compiled is what the back-end makes of a trial.
type Compiled struct {
	// Profile is the name of the profile that the container is started in; "" when
	// there is none. Text is the source of it and its children.
	Profile, Text string
	Lowerings     []emit.Lowering
	// relaxed are the policies as the lowerings say that they are held.
	relaxed []*policy.Policy
	trial   *Trial
}

// Compile runs the back-end on a trial. ok is false when the policies are beyond
// a limit that the compiler would report.
func Compile(t *Trial) (c *Compiled, ok bool) {
	no := !t.NoNewPrivs
	w := &policy.Workload{
		APIVersion: "v1", Kind: "Pod", Namespace: t.Policies[0].Namespace, Name: "w",
		Containers: []policy.Container{{Name: "c", AllowPrivilegeEscalation: &no}},
	}
	list := &diag.List{}
	program := lower.Program(&policy.Set{Policies: t.Policies, Workloads: []*policy.Workload{w}}, list)
	if list.HasErrors() {
		return nil, false
	}
	out := apparmor.Target.Emit(emit.Input{Program: program, Pool: &platform.Pool{LSMs: []string{"apparmor"}, Targets: []string{"apparmor", "securitycontext"}}})
	if len(out.Findings) > 0 {
		return nil, false
	}
	c = &Compiled{Lowerings: out.Lowerings, trial: t}
	for _, f := range out.Files {
		if strings.HasPrefix(f.Name, "avert.") {
			c.Profile, c.Text = f.Name, string(f.Data)
		}
	}
	for _, p := range t.Policies {
		c.relaxed = append(c.relaxed, c.relax(p))
	}
	return c, true
}

// announced says whether the lowering of a rule gives a reason.
func (c *Compiled) announced(p *policy.Policy, rule, reason string) bool {
	return slices.ContainsFunc(c.Lowerings, func(l emit.Lowering) bool {
		return l.Policy == p && l.Rule == rule && l.Status != emit.Exact && strings.Contains(l.Reason, reason)
	})
}

// status returns the status of a rule.
func (c *Compiled) status(p *policy.Policy, rule string) emit.Status {
	for _, l := range c.Lowerings {
		if l.Policy == p && l.Rule == rule {
			return l.Status
		}
	}
	return emit.Exact
}

// What AppArmor's `w` is in the words of the language.
const bundle = policy.AccessWrite | policy.AccessCreate | policy.AccessDelete | policy.AccessChmod | policy.AccessChown

const unmediated = policy.AccessTimes | policy.AccessXattr

// relax returns the policy that is left when what the lowerings give up is given
// up, but for the lineage (see fit): what it blocks must be blocked.
func (c *Compiled) relax(p *policy.Policy) *policy.Policy {
	out := *p
	for _, s := range []policy.Section{policy.Process, policy.File} {
		from := p.Paths(s)
		if from == nil {
			continue
		}
		section := *from
		section.Rules = nil
		for _, r := range from.Rules {
			if c.status(p, r.ID()) == emit.None {
				continue
			}
			if c.announced(p, r.ID(), apparmor.ReasonBundle) {
				r.Access = bundled(r.Access, r.Action == policy.Block)
			}
			if r.Action == policy.Block && c.announced(p, r.ID(), apparmor.ReasonUnmediated) {
				r.Access &^= unmediated
			}
			section.Rules = append(section.Rules, r)
		}
		for reason, access := range map[string]policy.Access{apparmor.ReasonUnmediated: unmediated, apparmor.ReasonLink: policy.AccessLink} {
			if s == policy.File && c.announced(p, "file/default", reason) {
				section.Rules = append(section.Rules, policy.PathRule{
					Rule:   policy.Rule{Section: policy.File, Name: "relaxed", Action: policy.Allow},
					Access: access, Paths: []policy.Pattern{{Text: "/**"}, {Text: "/"}},
				})
			}
		}
		if s == policy.Process && c.any(apparmor.ReasonLoader) {
			section.Rules = append(section.Rules, policy.PathRule{
				Rule:   policy.Rule{Section: policy.Process, Name: "loader", Action: policy.Allow},
				Access: policy.AccessExec, Paths: []policy.Pattern{{Text: ir.LoaderPattern}},
			})
		}
		if s == policy.Process {
			out.Process = &section
		} else {
			out.File = &section
		}
	}
	return &out
}

// bundled returns the accesses that fewer permissions block or allow.
func bundled(a policy.Access, block bool) policy.Access {
	if block {
		if a&bundle != bundle {
			a &^= bundle
			if a&policy.AccessRead == 0 {
				a &^= policy.AccessRename
			}
		}
		return a
	}
	if a&(bundle|policy.AccessRename) != 0 {
		a |= bundle | policy.AccessRename
	}
	if a&policy.AccessRename != 0 {
		a |= policy.AccessRead
	}
	return a
}

// Verdict is what an attempt may come to.
type Verdict struct {
	MayPass, MayFail bool
	// Why tells what the policies say.
	Why string
}

// Judge says what an attempt may come to for a process that went through images:
// the entry and the programs that it became. scripts says that one of them was
// started through a script.
func (c *Compiled) Judge(images []string, scripts bool, a Attempt) Verdict {
	v := Verdict{MayPass: true, MayFail: true}
	exact := reference.Decide(c.trial.Policies, operation(images, a), nil)
	if exact.Undecided {
		return v
	}
	v.Why = exact.Verdict.Action.String() + " by " + exact.Verdict.Rule.Policy + " " + exact.Verdict.Rule.Rule
	if exact.Verdict.Action != policy.Block {
		v.MayFail = c.side(images, scripts, a)
		return v
	}
	v.MayPass = false
	for _, op := range c.fit(a, images) {
		left := reference.Decide(c.held(images, scripts), op, nil)
		if left.Undecided || left.Verdict.Action == policy.Block {
			return v
		}
	}
	v.MayPass = true
	return v
}

// operation is an attempt in the words of the language.
func operation(images []string, a Attempt) policy.Operation {
	op := policy.Operation{Lineage: images, Object: policy.Object{Path: a.Path}, Directory: a.Directory}
	switch {
	case a.Capability != "":
		op.Kind, op.Capability = policy.OpCapability, a.Capability
	case a.Exec:
		op.Kind, op.Images = policy.OpExec, []policy.Object{{Path: a.Path}}
		if a.Interpreter != "" {
			op.Images = append(op.Images, policy.Object{Path: a.Interpreter})
		}
	case a.Access == policy.AccessRename:
		op.Kind, op.Target, op.TargetExists = policy.OpRename, policy.Object{Path: a.Target}, a.TargetExists
	case a.Access == policy.AccessLink:
		op.Kind, op.Target = policy.OpLink, policy.Object{Path: a.Target}
	default:
		op.Kind, op.Access = policy.OpFile, a.Access
	}
	return op
}

// unknown is an image that no pattern of a trial matches.
const unknown = "/\x01unknown"

// fit returns what is asked when an attempt is made: an interpreter is not asked
// about, nor whether a rename carries something out.
func (c *Compiled) fit(a Attempt, images []string) []policy.Operation {
	lineage := slices.Clone(images)
	lineage[0] = unknown
	if c.any(apparmor.ReasonInterpreter) {
		a.Interpreter = ""
	}
	op := operation(lineage, a)
	if op.Kind != policy.OpRename || !c.any(apparmor.ReasonCarry) {
		return []policy.Operation{op}
	}
	ask := func(access policy.Access, path string) policy.Operation {
		return policy.Operation{Kind: policy.OpFile, Lineage: lineage, Access: access, Object: policy.Object{Path: path}}
	}
	out := []policy.Operation{ask(policy.AccessRename, a.Path), ask(policy.AccessCreate, a.Target)}
	if a.TargetExists {
		out = append(out, ask(policy.AccessDelete, a.Target))
	}
	return out
}

// any says whether some lowering gives a reason.
func (c *Compiled) any(reason string) bool {
	return slices.ContainsFunc(c.Lowerings, func(l emit.Lowering) bool { return strings.Contains(l.Reason, reason) })
}

// held returns the relaxed policies for a process of which the first image is
// not known, nor any after a script: what depends on those is given up.
func (c *Compiled) held(images []string, scripts bool) []*policy.Policy {
	var out []*policy.Policy
	for i, p := range c.relaxed {
		original := c.trial.Policies[i]
		q := *p
		if p.Process != nil {
			section := *p.Process
			section.Rules = paths(c, original, section.Rules, images, scripts)
			q.Process = &section
		}
		if p.File != nil {
			section := *p.File
			section.Rules = paths(c, original, section.Rules, images, scripts)
			q.File = &section
		}
		if p.Capabilities != nil {
			section := *p.Capabilities
			section.Rules = nil
			for _, r := range p.Capabilities.Rules {
				if c.lineage(original, &r.Rule, images, scripts) {
					section.Rules = append(section.Rules, r)
				}
			}
			q.Capabilities = &section
		}
		out = append(out, &q)
	}
	return out
}

func paths(c *Compiled, p *policy.Policy, rules []policy.PathRule, images []string, scripts bool) []policy.PathRule {
	var out []policy.PathRule
	for _, r := range rules {
		if r.From != nil && c.announced(p, r.ID(), apparmor.ReasonImage) {
			image := r
			image.Access &= policy.AccessRead | policy.AccessMap
			image.From = nil
			out = append(out, image)
		}
		if c.lineage(p, &r.Rule, images, scripts) {
			out = append(out, r)
		}
	}
	return out
}

// lineage drops from a rule what is not known of the process. It returns false
// for a Block whose condition is not known at all.
func (c *Compiled) lineage(p *policy.Policy, r *policy.Rule, images []string, scripts bool) bool {
	if r.From == nil || p.Mode == policy.Enforce && !c.announced(p, r.ID(), apparmor.ReasonLineage) {
		return true
	}
	wild := slices.ContainsFunc(slices.Concat(r.From.Exe, r.From.Parent, r.From.Ancestor), func(p policy.Pattern) bool { return strings.Contains(p.Text, "*") })
	if wild || scripts || c.announced(p, r.ID(), apparmor.ReasonLimit) {
		if r.Action == policy.Block {
			return false
		}
		r.From = nil
		return true
	}
	if r.Action == policy.Block {
		return true // decided with an unknown first image
	}
	from := *r.From
	if n := len(images); n == 1 || !c.named(images[n-1]) {
		from.Exe = nil
	}
	if n := len(images); n <= 2 || !c.named(images[n-2]) {
		from.Parent = nil
	}
	from.Ancestor = nil
	r.From = &from
	if len(from.Exe) == 0 && len(from.Parent) == 0 {
		r.From = nil
	}
	return true
}

// named says whether a condition names the program, so that it is known when it
// runs: others may be scripts.
func (c *Compiled) named(image string) bool {
	for _, p := range c.trial.Policies {
		for _, s := range policy.Sections {
			for _, r := range p.Rules(s) {
				if r.From == nil {
					continue
				}
				for _, pattern := range slices.Concat(r.From.Exe, r.From.Parent, r.From.Ancestor) {
					if !strings.Contains(pattern.Text, "*") && matches(pattern.Text, image) {
						return true
					}
				}
			}
		}
	}
	return false
}

func matches(pattern, path string) bool {
	g, err := automata.Parse(pattern)
	if err != nil {
		return false
	}
	l, err := automata.FromGlobs(automata.DefaultBudget, g)
	return err == nil && l.Has(path)
}

// side says whether something that is allowed may fail all the same, as a
// lowering says: a rename needs read, a link to a program must not change the
// domain that it leads to, and a program that changed domain must be readable.
func (c *Compiled) side(images []string, scripts bool, a Attempt) bool {
	if scripts && c.refuses(apparmor.RefusesScript) {
		return true
	}
	asks := func(access policy.Access, p string) bool {
		v := reference.Decide(c.trial.Policies, policy.Operation{Kind: policy.OpFile, Lineage: images, Access: access, Object: policy.Object{Path: p}}, nil)
		return v.Verdict.Action == policy.Block
	}
	switch {
	case a.Access == policy.AccessRename && !a.Exec && a.Capability == "":
		return c.refuses(apparmor.RefusesRename) && asks(policy.AccessRead, a.Path)
	case a.Access == policy.AccessLink && !a.Exec && a.Capability == "":
		return c.refuses(apparmor.RefusesLink)
	case a.Exec:
		after := append(slices.Clone(images), a.Path)
		blocked := func(access policy.Access, p string) bool {
			v := reference.Decide(c.trial.Policies, policy.Operation{Kind: policy.OpFile, Lineage: after, Access: access, Object: policy.Object{Path: p}}, nil)
			return v.Verdict.Action == policy.Block
		}
		for _, p := range []string{a.Path, a.Interpreter} {
			if p != "" && c.refuses(apparmor.RefusesImage) && (blocked(policy.AccessRead, p) || blocked(policy.AccessMap, p)) {
				return true
			}
		}
	}
	return false
}

func (c *Compiled) refuses(reason string) bool {
	return slices.ContainsFunc(c.Lowerings, func(l emit.Lowering) bool { return slices.Contains(l.Refuses, reason) })
}
