// SPDX-License-Identifier: Apache-2.0

package lsmdiffer

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/internal/vm"
	"github.com/avert-dev/avert/runtime/lsm"
)

// usual is the seed of CI.
const usual = 1

// seed is where random policies begin. AVERT_SEED chooses another one.
func seed(t *testing.T) int {
	t.Helper()
	text := os.Getenv("AVERT_SEED")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("AVERT_SEED is %q, want a number", text)
	}
	return n
}

const (
	// units are loaded at once, and make as many attempts.
	units    = 24
	attempts = 10500
	// wanted is how many attempts must be compared, and least how many of every access must be allowed and refused.
	wanted = 10000
	least  = 20
)

// unit is policies, in one revision or two, and what processes do under them.
type unit struct {
	seed      int
	now, next *revision
	plan      *plan
	fault     string // what was planted, if anything
}

// newUnit draws a unit; nil if its policies say nothing or let nothing start.
func newUnit(seed, attempts int) (*unit, error) {
	ps := draw().Example(seed)
	switch seed % 12 {
	case 0, 5:
		enlarge(ps, 8)
	case 3, 10:
		enlarge(ps, 12)
	case 8, 9:
		enlarge(ps, 11)
	}
	u := &unit{seed: seed}
	var err error
	if u.now, err = newRevision(fmt.Sprint("u", seed), ps); err != nil || u.now == nil {
		return nil, err
	}
	if seed%2 == 0 {
		if u.next, err = newRevision(fmt.Sprint("u", seed), changed(ps).Example(seed)); err != nil {
			return nil, err
		}
	}
	u.plan = plans(u.now, u.next, attempts).Example(seed)
	if len(u.plan.steps) < attempts {
		return nil, nil // no program may start
	}
	return u, nil
}

// drawUnits draws n units from a seed on.
func drawUnits(seed, n, attempts int) ([]*unit, error) {
	var out []*unit
	for i := seed * 1000; len(out) < n; i++ {
		u, err := newUnit(i, attempts)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", i, err)
		}
		if u != nil {
			out = append(out, u)
		}
	}
	return out, nil
}

// job is what a kernel is to do, with what must come of it.
type job struct {
	Job
	units []*unit
	steps []planned
	files []vm.File
}

// newJob makes a job of units: their containers take turns, so that every policy is in force all the time. The last one comes
// after the others, since its fault concerns all.
func newJob(us []*unit) *job {
	j := &job{units: us}
	for i, u := range us {
		for n, r := range []*revision{u.now, u.next} {
			if r != nil {
				j.files = append(j.files, vm.File{Guest: imageName(i, n), Data: r.data})
			}
		}
		j.Containers = append(j.Containers, Container{Image: imageName(i, 0), Mounts: u.plan.mounts, Binds: u.plan.binds})
	}
	last := len(us) - 1
	for n, left := 0, true; left; n++ {
		left = false
		for i, u := range us[:last] {
			if n < len(u.plan.steps) {
				left = true
				j.add(i, u.plan.steps[n])
			}
		}
	}
	for _, s := range us[last].plan.steps {
		j.add(last, s)
	}
	return j
}

func (j *job) add(container int, s planned) {
	s.Container = container
	if s.Do == Swap || s.Do == SwapBack {
		s.From.Path = imageName(container, 1)
	}
	j.steps = append(j.steps, s)
	j.Steps = append(j.Steps, s.Step)
}

func imageName(unit, revision int) string { return fmt.Sprintf("/images/%d-%d.img", unit, revision) }

// without leaves out attempts that a kernel does not ask about.
func (u *unit) without(dos ...Do) *unit {
	out, p := *u, *u.plan
	p.steps = slices.DeleteFunc(slices.Clone(p.steps), func(s planned) bool { return slices.Contains(dos, s.Do) })
	out.plan = &p
	return &out
}

// TestDiffer compares the reference, the reader of images and every kernel, which must agree on every attempt, and plants
// defects that must be found by the same comparison.
//
//proves:lsm random mutations
func TestDiffer(t *testing.T) {
	t.Parallel()
	begin := seed(t)
	honest, err := drawUnits(begin, units, attempts/units)
	if err != nil {
		t.Fatal(err)
	}
	faulty, err := drawFaulty(begin, 150)
	if err != nil {
		t.Fatal(err)
	}
	all := append(honest, faulty...)
	for _, u := range all {
		for _, d := range u.plan.disagreements {
			t.Errorf("AVERT_SEED=%d: unit %d: %s\n%s", begin, u.seed, d, u.now.source)
		}
	}
	sizes, automata := map[int]bool{}, uint32(0)
	for _, u := range honest {
		at, _ := slices.BinarySearch(bpf.TableSizes[:], len(u.now.image.Table))
		sizes[at] = true
		automata = max(automata, u.now.image.Head().Parts)
	}
	if begin == usual && (len(sizes) < len(bpf.TableSizes) || automata < 2) {
		t.Errorf("the tables have %d of %d sizes, and at most %d automata", len(sizes), len(bpf.TableSizes), automata)
	}
	vm.Matrix(t, func(t *testing.T, kernel string) {
		us := slices.Clone(all)
		if kernel == "5.10" {
			// Its hook does not say that names are exchanged, and is called for both ways. It has none for user namespaces.
			for i := range us {
				us[i] = us[i].without(Exchange, NewUser)
			}
		}
		j := newJob(us)
		t.Logf("AVERT_SEED=%d: %d policies, %d steps", begin, len(us), len(j.steps))
		found := compare(t, j, run(t, kernel, j))
		for i, u := range us {
			switch n := len(found[i]); {
			case u.fault != "" && n == 0:
				t.Errorf("AVERT_SEED=%d: unit %d: nobody found %s", begin, u.seed, u.fault)
			case u.fault != "":
				t.Logf("%s was found in %d attempts", u.fault, n)
			case n > 0:
				t.Errorf("AVERT_SEED=%d: unit %d: %d differences\n%s", begin, u.seed, n, strings.Join(found[i][:min(n, 2)], "\n"))
			}
		}
	})
}

// compare returns what came otherwise than it must, by container. It fails when the attempts of honest containers do not show
// enough.
func compare(t *testing.T, j *job, outcomes []Outcome) [][]string {
	t.Helper()
	found := make([][]string, len(j.units))
	counts := map[string]*tally{}
	var names []string
	for _, a := range policy.AccessNames {
		names = append(names, a.Name)
	}
	for do, o := range systems {
		if slices.ContainsFunc(j.steps, func(s planned) bool { return s.Do == do }) {
			names = append(names, o.String())
		}
	}
	slices.Sort(names)
	for _, name := range names {
		counts[name] = &tally{}
	}
	var all tally
	for i, o := range outcomes {
		s := &j.steps[i]
		u := j.units[s.Container]
		if s.revision == nil || o.Skipped {
			continue
		}
		wrong := s.wrong(o)
		if wrong != "" {
			found[s.Container] = append(found[s.Container], fmt.Sprintf("step %d: %s\n%s%s\n%s", i, wrong, s, s.expected.why, s.revision.source))
		}
		if u.fault != "" || wrong != "" {
			continue
		}
		all.count(s.expected.refused)
		for _, name := range s.kinds() {
			counts[name].count(s.expected.refused)
		}
	}
	var list []string
	for _, name := range names {
		n := counts[name]
		list = append(list, fmt.Sprintf("%s %d + %d", name, n.allowed, n.refused))
		if !t.Failed() && (n.allowed < least || n.refused < least) {
			t.Errorf("%d attempts to %s were allowed and %d refused, want at least %d of each", n.allowed, name, n.refused, least)
		}
	}
	t.Logf("%d attempts as they must be, allowed and refused: %d + %d (%s)", all.allowed+all.refused, all.allowed, all.refused, strings.Join(list, ", "))
	if !t.Failed() && all.allowed+all.refused < wanted {
		t.Errorf("%d attempts were compared, want at least %d", all.allowed+all.refused, wanted)
	}
	return found
}

// tally counts attempts.
type tally struct{ allowed, refused int }

func (n *tally) count(refused bool) {
	if refused {
		n.refused++
	} else {
		n.allowed++
	}
}

// wrong says what is wrong with what came of an attempt, or nothing.
func (s *planned) wrong(o Outcome) string {
	blocked := false
	switch errno := syscall.Errno(o.Errno); errno {
	case 0:
	case syscall.EPERM, syscall.EACCES:
		blocked = true
	default:
		return "failed otherwise: " + errno.Error()
	}
	switch {
	case blocked && !s.expected.refused:
		return "the kernel refuses it"
	case !blocked && s.expected.refused:
		return "the kernel allows it"
	case blocked && o.Changed && s.Do != Create: // what was created stays when the open is refused
		return "it was refused, and something changed"
	case !blocked && !o.Changed && s.changes():
		return "it was allowed, and nothing changed"
	}
	return s.misreported(o.Reports)
}

// changes says whether a success must leave a trace.
func (s *planned) changes() bool {
	switch s.Do {
	case Read, Write, ReadWrite, Append, Touch, Mmap, Mprotect:
		return false
	}
	_, system := systems[s.Do]
	return !executes(s.Do) && !system && s.From.Kind != Fixture
}

// misreported says what is wrong with the reports of an attempt.
func (s *planned) misreported(reports []Report) string {
	if s.From.Kind == Script && executes(s.Do) {
		return "" // of two files, of which the language judges the worse
	}
	var blocks, audits uint8
	for _, r := range reports {
		blocks |= r.Event.Blocks
		audits |= r.Event.Audits
	}
	audits &^= blocks
	if e := s.expected; blocks != e.blocks || audits != e.audits {
		return fmt.Sprintf("the kernel reports that layers %b block and %b audit, and not %b and %b", blocks, audits, e.blocks, e.audits)
	}
	if len(reports) != 1 || s.expected.rule == "" {
		return ""
	}
	// A report does not say that names were exchanged, nor what it is that a folder would carry out.
	if rule, certain := s.revision.explain(reports[0]); rule != s.expected.rule && s.Do != Exchange && (certain || s.From.Kind != Folder) {
		return fmt.Sprintf("the report is of %q, and not of %q", rule, s.expected.rule)
	}
	return ""
}

// explain names the rule behind a report, as avert-node does, and says whether it can have been no other.
func (r *revision) explain(report Report) (rule string, certain bool) {
	record := &lsm.Record{Event: report.Event}
	for i, path := range report.Paths {
		record.Objects[i] = policy.Object{Class: policy.ObjectClass(report.Event.Class[i]), Path: path}
	}
	if r.explainer == nil {
		r.explainer = &lsm.Explainer{
			Image: func(uint64, uint32) ([]byte, error) { return r.data, nil },
			Time:  func(uint64) time.Time { return time.Time{} },
		}
	}
	for _, e := range r.explainer.Events(record) {
		if e.Policy != nil && e.Policy.Mode == policy.Enforce.String() {
			return fmt.Sprintf("%s/%s %s", e.Policy.Namespace, e.Policy.Name, e.Rule), e.Certain
		}
	}
	return "", false
}

// String tells a step with the lineage of its process.
func (s *planned) String() string {
	out := fmt.Sprintf("after %q: %s %s", s.lineage, s.Do, &s.From)
	if s.To.Path != "" {
		out += fmt.Sprintf(" to %s", &s.To)
	}
	return out
}

var kindNames = []string{"nothing", "file", "folder", "symbolic link", "pipe", "program", "script", "fixture", "memory", "deleted file", "unnamed pipe", "file of the node"}

func (o *Object) String() string {
	return fmt.Sprintf("%s %q as %q", kindNames[o.Kind], o.Path, o.Spelled)
}
