// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/internal/differ"
	"github.com/avert-dev/avert/internal/kerneltest/wire"
	"github.com/avert-dev/avert/internal/vm"
)

// wanted is how many decided operations a kernel is compared on. AVERT_SOAK multiplies it, for `make soak`, which also
// begins at another place.
func wanted(t *testing.T) (operations, seed int) {
	const operationsOfCI = 2000
	soak := os.Getenv("AVERT_SOAK")
	if soak == "" {
		return operationsOfCI, 1
	}
	n, err := strconv.Atoi(soak)
	if err != nil || n < 1 {
		t.Fatalf("AVERT_SOAK is %q, want a number of rounds", soak)
	}
	return n * operationsOfCI, os.Getpid() * 1000
}

// TestDiffer compares random policies with what each kernel does under AppArmor: where a lowering claims to be exact they
// must be equal, elsewhere they may differ only as it says.
//
//proves:apparmor random
//proves:apparmor process/default-block process/default-audit process/allow process/block process/mode-audit
//proves:apparmor process/star process/below process/deep process/class process/braces process/names process/script process/loader
//proves:apparmor process/from-exe process/from-parent process/from-ancestor process/from-escalation process/allow-from
//proves:apparmor file/default-block file/default-audit file/allow file/block file/mode-audit
//proves:apparmor file/star file/below file/deep file/class file/braces file/names file/directories
//proves:apparmor file/from-exe file/from-parent file/from-ancestor file/from-escalation file/allow-from
//proves:apparmor file/read file/create file/link file/map file/change
//proves:apparmor capabilities/default-block capabilities/allow capabilities/block capabilities/allow-from capabilities/block-from capabilities/mode-audit
func TestDiffer(t *testing.T) {
	vm.Matrix(t, func(t *testing.T, kernel string) {
		operations, seed := wanted(t)
		for decided := 0; decided < operations; {
			trials := drawTrials(t, &seed, 90)
			differences, n := compareTrials(t, kernel, trials, nil)
			decided += n
			for i, d := range differences {
				if d == nil {
					continue
				}
				trial, smallest := shrinkTrial(t, kernel, trials[i].trial, *d)
				t.Errorf("%s\n%s\n%s", smallest, differ.Describe(trial.trial), trial.compiled.Text)
				if i > 3 {
					t.FailNow()
				}
			}
			if t.Failed() {
				return
			}
		}
	})
}

// TestDifferFinds plants defects in profiles: the comparison must find each.
//
//proves:apparmor mutations
func TestDifferFinds(t *testing.T) {
	const kernel = "6.12"
	seed := 1
	trials := drawTrials(t, &seed, 30)
	for _, m := range differ.Mutations {
		t.Run(m.Name, func(t *testing.T) {
			differences, _ := compareTrials(t, kernel, trials, m.Plant)
			for _, d := range differences {
				if d != nil {
					t.Logf("found: %s", d)
					return
				}
			}
			t.Error("it was not found")
		})
	}
}

// drawn is a trial with what the back-end makes of it.
type drawn struct {
	trial    *differ.Trial
	compiled *differ.Compiled
}

func prepare(d *differ.Trial) (drawn, bool) {
	c, ok := differ.Compile(d)
	return drawn{d, c}, ok && c.Profile != ""
}

// drawTrials draws n trials that have a profile, from a seed on.
func drawTrials(t *testing.T, seed *int, n int) []drawn {
	t.Helper()
	generator := differ.Trials()
	var out []drawn
	for ; len(out) < n; *seed++ {
		if p, ok := prepare(generator.Example(*seed)); ok {
			out = append(out, p)
		}
	}
	return out
}

// compareTrials runs trials on a kernel and returns the first difference of each, and how many operations were decided.
func compareTrials(t *testing.T, kernel string, trials []drawn, plant func(string) string) ([]*differ.Difference, int) {
	t.Helper()
	cases, at := []Case{}, []int{}
	for i, p := range trials {
		text := p.compiled.Text
		if plant != nil {
			if text = plant(text); text == p.compiled.Text {
				continue
			}
		}
		cases = append(cases, Case{Blobs: [][]byte{Compile(t, kernel, text)}, Profile: p.compiled.Profile, NoNewPrivs: p.trial.NoNewPrivs, Steps: stepsOf(p.trial)})
		at = append(at, i)
	}
	differences, decided := make([]*differ.Difference, len(trials)), 0
	for c, outcomes := range Run(t, kernel, cases) {
		found, n := differ.Compare(trials[at[c]].compiled, outcomesOf(t, trials[at[c]].trial, outcomes[1:]))
		decided += n
		if len(found) > 0 {
			differences[at[c]] = &found[0]
		}
	}
	return differences, decided
}

// shrinkTrial looks for a smaller trial that shows a difference.
func shrinkTrial(t *testing.T, kernel string, from *differ.Trial, d differ.Difference) (drawn, differ.Difference) {
	t.Helper()
	smallest, _ := prepare(from)
	for range 12 {
		var candidates []drawn
		for _, c := range differ.Smaller(smallest.trial, d.Index) {
			if p, ok := prepare(c); ok {
				candidates = append(candidates, p)
			}
		}
		differences, _ := compareTrials(t, kernel, candidates, nil)
		smaller := false
		for i, found := range differences {
			if found != nil {
				smallest, d, smaller = candidates[i], *found, true
				break
			}
		}
		if !smaller {
			break
		}
	}
	return smallest, d
}

// stepsOf are the operations of a trial. Every step makes the files that it needs anew.
func stepsOf(d *differ.Trial) []Step {
	out := []Step{{Op: wire.Start, Path: d.Entry, Setup: []File{{Path: d.Entry, Kind: wire.Program}}}}
	for _, a := range d.Attempts {
		out = append(out, step(a))
	}
	return out
}

func step(a differ.Attempt) Step {
	switch {
	case a.Capability != "":
		return Step{Op: wire.Capability, N: [3]int64{numbers[a.Capability]}}
	case a.Exec && a.Interpreter != "":
		return Step{Op: wire.Become, Path: a.Path, Setup: []File{{Path: a.Interpreter, Kind: wire.Program}, {Path: a.Path, Kind: wire.Script, Text: a.Interpreter}}}
	case a.Exec:
		return Step{Op: wire.Become, Path: a.Path, Setup: []File{{Path: a.Path, Kind: wire.Program}}}
	}
	kind, s := wire.Regular, Step{Op: operations[a.Access], Path: a.Path, Target: a.Target}
	if a.Directory {
		kind = wire.Dir
		if op, ok := ofDirectories[a.Access]; ok {
			s.Op = op
		}
	}
	s.Setup = []File{{Path: a.Path, Kind: kind}}
	if a.Access == policy.AccessCreate {
		s.Setup[0].Kind = wire.Absent
	}
	if a.Target != "" {
		if !a.TargetExists {
			kind = wire.Absent
		}
		s.Setup = append(s.Setup, File{Path: a.Target, Kind: kind})
	}
	return s
}

var operations = map[policy.Access]wire.Op{
	policy.AccessRead: wire.Read, policy.AccessWrite: wire.Write, policy.AccessCreate: wire.Create, policy.AccessDelete: wire.Unlink,
	policy.AccessRename: wire.Rename, policy.AccessLink: wire.Link, policy.AccessChmod: wire.Chmod, policy.AccessChown: wire.Chown,
	policy.AccessTimes: wire.Times, policy.AccessXattr: wire.Xattr, policy.AccessMap: wire.Map,
}

var ofDirectories = map[policy.Access]wire.Op{
	policy.AccessRead: wire.List, policy.AccessCreate: wire.Mkdir, policy.AccessDelete: wire.Rmdir,
}

// numbers of capabilities (linux/capability.h).
var numbers = map[string]int64{"CHOWN": 0, "KILL": 5, "NET_RAW": 13, "SYS_CHROOT": 18, "SYS_ADMIN": 21}

// outcomesOf reads outcomes; those after the death of the process are none.
func outcomesOf(t *testing.T, d *differ.Trial, outcomes []Outcome) []differ.Outcome {
	t.Helper()
	var out []differ.Outcome
	for i, o := range outcomes {
		a := d.Attempts[i]
		switch {
		case o.Gone:
			return out
		case o.Killed != 0:
			return append(out, differ.Killed)
		case o.OK():
			out = append(out, differ.Passed)
		case a.Access == policy.AccessMap && !a.Exec && o.Stage == 0:
			out = append(out, differ.Unclear) // it could not be opened
		case o.Errno == syscall.EACCES || o.Errno == syscall.EPERM:
			out = append(out, differ.Denied)
		default:
			out = append(out, differ.Unclear)
		}
	}
	return out
}
