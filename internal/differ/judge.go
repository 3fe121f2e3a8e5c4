// SPDX-License-Identifier: Apache-2.0

package differ

import (
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/emit/apparmor"
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
		return c.refuses(apparmor.RefusesLink) && (c.named(a.Path) || c.named(a.Target) || c.listsPrograms())
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

// listsPrograms says whether several patterns may lead to domains of their own.
func (c *Compiled) listsPrograms() bool {
	return slices.ContainsFunc(c.trial.Policies, func(p *policy.Policy) bool {
		return p.Process != nil && p.Process.Default == policy.Block && len(p.Process.Rules) > 3
	})
}
