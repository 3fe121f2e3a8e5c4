// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/internal/kerneltest/wire"
)

// scenario is a policy and what processes under it can do.
type scenario struct {
	name string
	// spec holds the sections of the policy; audit sets its mode; escalation leaves no_new_privs unset.
	spec              string
	audit, escalation bool
	// reasons are parts of what the lowering must admit, since trials show it.
	reasons []string
	trials  []trial
}

// trial is a step with what must come of it.
type trial struct {
	Step
	blocked bool
	// errno is the error of one that is blocked; 0: EACCES or EPERM.
	errno syscall.Errno
	// killed: the kernel ends the process when it is too late for an error.
	killed bool
	// bare: the operation need not succeed without a policy either.
	bare bool
	// not names the kernels where the outcome is the opposite.
	not []string
}

func ok(op wire.Op, path string, rest ...string) trial {
	var target string
	if len(rest) > 0 {
		target = rest[0]
	}
	return trial{Step: Step{Op: op, Path: path, Target: target, Setup: needed(op, path, target)}}
}

func blocked(op wire.Op, path string, rest ...string) trial {
	t := ok(op, path, rest...)
	t.blocked = true
	return t
}

// start begins a process with the files of every trial around it.
func start(path string) trial {
	return trial{Step: Step{Op: wire.Start, Path: path, Setup: []File{{Path: path}}}}
}

func number(op wire.Op, target string, n ...int64) trial {
	t := trial{Step: Step{Op: op, Target: target}}
	copy(t.N[:], n)
	return t
}

func (t trial) block(errno syscall.Errno) trial {
	t.blocked, t.errno = true, errno
	return t
}

func (t trial) with(files ...File) trial {
	t.Setup = files
	return t
}

// except says that the outcome is the opposite on some kernels.
func (t trial) except(kernels ...string) trial {
	t.not = kernels
	return t
}

// needed are the files without which an operation could not succeed under no policy.
func needed(op wire.Op, path, target string) []File {
	if path == "" || path == "/" || path == "/proc" || path == "/sys" || strings.HasPrefix(path, "/proc/") || strings.HasPrefix(path, "/sys/") {
		return nil
	}
	content := strings.Repeat("x", 5000)
	switch op {
	case wire.Become, wire.Spawn, wire.BecomeFD, wire.SpawnFD:
		return []File{{Path: path}}
	case wire.BecomeAt, wire.BecomeIn, wire.SpawnAt, wire.SpawnIn:
		return []File{{Path: path + "/" + target}}
	case wire.Create, wire.Mkdir, wire.Mknod, wire.Symlink:
		return []File{{Path: path, Kind: wire.Absent}}
	case wire.List, wire.Rmdir, wire.Mount, wire.MountFD:
		return []File{{Path: path, Kind: wire.Dir}}
	case wire.Bind, wire.OpenTree:
		return []File{{Path: path, Kind: wire.Dir}, {Path: target, Kind: wire.Dir}}
	case wire.Rename, wire.Link:
		return []File{{Path: path, Kind: wire.Regular}, {Path: target, Kind: wire.Absent}}
	case wire.Exchange:
		return []File{{Path: path, Kind: wire.Regular}, {Path: target, Kind: wire.Regular}}
	}
	return []File{{Path: path, Kind: wire.Regular, Text: content}}
}

// compiled compiles a scenario's policy for a kernel, and returns its name, its profiles and what it admits.
func (s *scenario) compiled(t *testing.T, kernel string) (name string, text []byte, lowerings []emit.Lowering) {
	t.Helper()
	mode := "Enforce"
	if s.audit {
		mode = "Audit"
	}
	policy := fmt.Sprintf("apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: p, namespace: n}\nspec:\n"+
		"  selector: {matchLabels: {app: a}}\n  mode: %s\n%s", mode, indent(s.spec))
	pod := fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n, labels: {app: a}}\nspec:\n"+
		"  containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: %v}}]\n", s.escalation)
	config := fmt.Sprintf("apiVersion: avert.dev/v1alpha1\nkind: Config\npools: [{name: vm, kernel: %q, lsm: [apparmor], targets: [apparmor]}]\n", kernel)
	result := compiler.Check(compiler.Input{
		Files:  []*diag.File{diag.NewFile("policy.yaml", []byte(policy)), diag.NewFile("pod.yaml", []byte(pod))},
		Config: diag.NewFile(".avert.yaml", []byte(config)),
	})
	// Without `accept`, what is not held exactly is an error. Any other is one in the test.
	if len(result.Pools) != 1 {
		var b bytes.Buffer
		diag.Printer{}.Print(&b, result.Findings)
		t.Fatalf("%s\n%s", &b, policy)
	}
	for _, f := range result.Pools[0].Files {
		if strings.HasPrefix(f.Name, "avert.") {
			return f.Name, f.Data, result.Pools[0].Lowerings
		}
	}
	t.Fatal("no profile")
	return "", nil, nil
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.Trim(text, "\n"), "\n", "\n  ") + "\n"
}

// enforce runs scenarios on a kernel, first without the policies: what fails then proves nothing.
func enforce(t *testing.T, kernel string, scenarios []scenario) {
	var cases []Case
	for i := range scenarios {
		s := &scenarios[i]
		name, text, lowerings := s.compiled(t, kernel)
		for _, reason := range s.reasons {
			if !slices.ContainsFunc(lowerings, func(l emit.Lowering) bool { return strings.Contains(l.Reason, reason) }) {
				t.Errorf("%s: no lowering admits that %s", s.name, reason)
			}
		}
		c := Case{Profile: name, Blobs: [][]byte{Compile(t, kernel, string(text))}, NoNewPrivs: !s.escalation}
		for _, trial := range s.trials {
			c.Steps = append(c.Steps, trial.Step)
		}
		cases = append(cases, c)
	}
	all := Run(t, kernel, append(Unconfined(cases), cases...))
	bare, outcomes := all[:len(cases)], all[len(cases):]
	for i := range scenarios {
		t.Run(scenarios[i].name, func(t *testing.T) {
			for k, trial := range scenarios[i].trials {
				what := fmt.Sprintf("step %d, %s %q %q %v", k, trial.Op, trial.Path, trial.Target, trial.N)
				if o := bare[i][k]; !o.OK() && !trial.bare {
					t.Errorf("%s: %v without a policy", what, o)
				} else if o := outcomes[i][k]; !trial.came(kernel, o) {
					t.Errorf("%s: %v", what, o)
				}
			}
			if t.Failed() {
				_, text, _ := scenarios[i].compiled(t, kernel)
				t.Logf("%s\n%s", scenarios[i].spec, text)
			}
		})
	}
}

func (t *trial) came(kernel string, o Outcome) bool {
	blocked := t.blocked != slices.Contains(t.not, kernel)
	switch {
	case !blocked:
		return o.OK()
	case t.killed:
		return o.Killed != 0
	case t.errno != 0:
		return o.Errno == t.errno
	}
	return o.Errno == syscall.EACCES || o.Errno == syscall.EPERM
}
