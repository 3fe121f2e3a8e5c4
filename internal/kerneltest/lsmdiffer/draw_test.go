// SPDX-License-Identifier: Apache-2.0

package lsmdiffer

import (
	"path"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/reference/sample"
)

// planned is a step with what must come of it.
type planned struct {
	Step
	lineage  []string
	revision *revision
	expected expected
}

// plan is what processes of one container do, and where file systems are mounted.
type plan struct {
	mounts, binds []string
	steps         []planned
	// disagreements are those of the reference and the reader.
	disagreements []string
}

// planner draws a plan.
type planner struct {
	*plan
	t      *rapid.T
	now    *revision
	next   *revision // after a swap that is still to come
	near   []string  // patterns of objects and images
	budget int       // of attempts
	large  bool      // so that the reference would search long for what a folder carries out
}

// plans draws what processes do under the policies of a revision, and later of the next one if there is any.
func plans(now, next *revision, attempts int) *rapid.Generator[*plan] {
	return rapid.Custom(func(t *rapid.T) *plan {
		p := &planner{plan: &plan{}, t: t, now: now, next: next, budget: attempts, near: patterns(now.policies)}
		p.large = len(now.image.Table) > bpf.TableSizes[0]
		p.mounts = rapid.SampledFrom([][]string{nil, nil, {"/b"}, {"/a/b"}, {"/lib", "/lib/a"}}).Draw(t, "mounts")
		p.binds = rapid.SampledFrom([][]string{nil, nil, {"/ab"}, {"/a/c"}}).Draw(t, "binds")
		for p.budget > 0 {
			if !p.container() {
				break
			}
		}
		return p.plan
	})
}

// patterns are those of objects and of lineages.
func patterns(ps []*policy.Policy) []string {
	near := []string{"/lib/ld.so", "/{" + strings.Join(programs, ",") + "}"}
	add := func(list []policy.Pattern, prefix string) {
		for _, p := range list {
			if prefix == "" {
				near = append(near, p.Text)
			} else {
				near = append(near, prefix+automata.Escape(p.Text))
			}
		}
	}
	for _, p := range ps {
		for _, s := range []policy.Section{policy.Process, policy.File} {
			section := p.Paths(s)
			if section == nil {
				continue
			}
			for _, r := range section.Rules {
				add(r.Paths, "")
				add(r.Names, "/**/")
				if r.From != nil {
					add(slices.Concat(r.From.Exe, r.From.Parent, r.From.Ancestor), "")
				}
			}
		}
	}
	return near
}

// emit adds a step that is no attempt.
func (p *planner) emit(do Do) { p.steps = append(p.steps, planned{Step: Step{Do: do}}) }

// judged judges an attempt; what the reference does not decide is not made.
func (p *planner) judged(lineage []string, s Step) (planned, bool) {
	e, decided, err := p.now.judge(lineage, &s)
	if err != nil {
		p.disagreements = append(p.disagreements, err.Error())
		return planned{}, false
	}
	s.Passes = !e.refused
	return planned{s, lineage, p.now, e}, decided
}

// container draws all processes of one start of a container. It is false when no program may start.
func (p *planner) container() bool {
	do := Start
	for range 60 {
		s, ok := p.execution(nil)
		if !ok || do == Start && !s.plain() {
			continue
		}
		if do == Start {
			s.Do = Start
		}
		p.steps = append(p.steps, s)
		p.budget--
		do = Exec
		if s.Passes {
			p.process([]string{s.image()}, 1)
			p.emit(Exit)
			return true
		}
	}
	if do == Exec {
		p.emit(Exit)
	}
	return false
}

// plain says whether a program is executed in the most common way.
func (s *planned) plain() bool { return s.Do == Exec }

// image is the path of what runs in the end; empty when it has none.
func (s *Step) image() string {
	o := &s.From
	if o.Kind == Script {
		o = &s.To
	}
	return o.object().Path
}

// process draws what a process does, and its children.
func (p *planner) process(lineage []string, depth int) {
	p.attempts(lineage, 6, 20)
	if p.next != nil && depth >= 2 {
		p.emit(Swap)
		p.now, p.next = p.next, nil
		p.attempts(lineage, 6, 20)
	}
	if p.chance("fork", 2) {
		p.emit(Fork)
		p.attempts(lineage, 2, 5)
		if p.chance("new user namespace", 2) {
			p.add(lineage, Step{Do: NewUser})
		}
		p.emit(Exit)
	}
	if depth > 4 || p.budget <= 0 {
		return
	}
	for range rapid.IntRange(1, 4).Draw(p.t, "children") {
		s, ok := p.execution(lineage)
		if !ok {
			continue
		}
		p.budget--
		if !s.Passes {
			p.steps = append(p.steps, s)
			continue
		}
		p.emit(Fork)
		p.steps = append(p.steps, s)
		p.process(append(slices.Clone(lineage), s.image()), depth+1)
		p.emit(Exit)
	}
	if s, ok := p.execution(lineage); ok && p.chance("in place", 2) {
		p.budget--
		p.steps = append(p.steps, s)
		if s.Passes {
			lineage = append(slices.Clone(lineage), s.image())
		}
		p.attempts(lineage, 2, 8)
	}
}

func (p *planner) attempts(lineage []string, least, most int) {
	for range rapid.IntRange(least, most).Draw(p.t, "attempts") {
		if s, ok := p.attempt(); ok {
			p.add(lineage, s)
		}
	}
}

func (p *planner) add(lineage []string, s Step) {
	if j, ok := p.judged(lineage, s); ok {
		p.steps = append(p.steps, j)
		p.budget--
	}
}

// execution draws one, of a program that may be a script.
func (p *planner) execution(lineage []string) (planned, bool) {
	s := Step{Do: Exec, From: Object{Kind: Program}}
	name := func() string {
		if p.chance("any program", 3) {
			return p.path()
		}
		return "/" + rapid.SampledFrom(programs).Draw(p.t, "program")
	}
	switch rapid.IntRange(0, 11).Draw(p.t, "way") {
	case 0:
		s.Do, s.From.Kind = ExecAt, rapid.SampledFrom([]Kind{Memory, Deleted, Foreign, Program}).Draw(p.t, "kind")
	case 1, 2:
		s.Do = ExecLink
	case 3, 4:
		s.From.Kind, s.To = Script, Object{Kind: Program, Path: name()}
		s.From.Interpreter = s.To.Path
		if !p.free(s.To.Path) || strings.ContainsAny(s.To.Path, " \t\n") || len(s.To.Path) > 100 {
			return planned{}, false
		}
	}
	s.From.Path = name()
	if !p.free(s.From.Path) || s.To.Path != "" && (within(s.From.Path, s.To.Path) || within(s.To.Path, s.From.Path)) {
		return planned{}, false
	}
	s.From.Spelled = p.spelled(s.From.Path)
	if s.Do == ExecLink {
		s.From.Spelled = "/.exec"
	}
	if s.From.Kind == Memory || s.From.Kind == Foreign {
		s.From.Path, s.From.Spelled = "", ""
	}
	if s.From.Kind == Deleted && unresolved(s.From.Path) {
		return planned{}, false // which of the two it is makes no difference but for the report
	}
	return p.judged(lineage, s)
}

// What is tried with objects of each kind.
var (
	ofFiles = []Do{Read, Write, ReadWrite, Append, OpenTrunc, Truncate, Unlink, Chmod, Fchmod, Chown, Fchown, Utimes, Touch, Futimes,
		Setxattr, Fsetxattr, Removexattr, SetACL, Mmap, Mprotect}
	ofFolders     = []Do{Read, Rmdir, Chmod, Fchmod, Chown, Fchown, Utimes, Touch, Futimes, Setxattr, Fsetxattr, Removexattr, SetACL}
	ofFixtures    = []Do{Read, Chmod, Fchmod, Chown, Utimes, Touch, Setxattr}
	ofLinks       = []Do{Unlink, Lchown, Utimes}
	ofPipes       = []Do{Unlink, Chmod, Chown, Touch}
	ofNothing     = []Do{Create, Mkdir, Mknod, Symlink}
	ofDescriptors = []Do{Read, Write, ReadWrite, Append, OpenTrunc, Truncate, Chmod, Fchmod, Chown, Fchown, Touch, Futimes, Setxattr, Fsetxattr, Removexattr, Mmap, Mprotect}
	ofMoves       = []Do{Rename, Rename, Rename, Noreplace, Exchange, Link, Link}
)

// attempt draws something to try with files.
func (p *planner) attempt() (Step, bool) {
	var s Step
	choose := func(kind Kind, dos []Do) {
		s.From.Kind, s.Do = kind, rapid.SampledFrom(dos).Draw(p.t, "do")
	}
	switch rapid.IntRange(0, 19).Draw(p.t, "about") {
	case 0, 1, 2, 3, 4, 5, 6:
		choose(File, ofFiles)
	case 7, 8:
		choose(Folder, ofFolders)
	case 9:
		choose(SymbolicLink, ofLinks)
	case 10:
		choose(Pipe, ofPipes)
	case 11, 12, 13:
		choose(Absent, ofNothing)
	case 14:
		choose(rapid.SampledFrom([]Kind{Memory, Deleted, Foreign}).Draw(p.t, "kind"), ofDescriptors)
		if p.chance("pipe", 8) {
			s.From.Kind, s.Do = PipeFD, Read
		}
		if s.From.Kind != Deleted {
			return s, true
		}
	case 15:
		if p.chance("system", 2) {
			return Step{Do: rapid.SampledFrom([]Do{Mount, BPF}).Draw(p.t, "system")}, true
		}
		choose(Fixture, ofFixtures)
		s.From.Path = rapid.SampledFrom(append([]string{"/", "/d/d"}, p.mounted()...)).Draw(p.t, "fixture")
		s.From.Spelled = p.spelled(s.From.Path)
		return s, true
	default:
		return p.move()
	}
	s.From.Path = p.path()
	s.From.Spelled = p.spelled(s.From.Path)
	if s.From.Kind == Deleted && unresolved(s.From.Path) {
		return s, false
	}
	return s, p.free(s.From.Path)
}

// move draws another name for something.
func (p *planner) move() (Step, bool) {
	s := Step{Do: rapid.SampledFrom(ofMoves).Draw(p.t, "do")}
	kinds := []Kind{File, File, Folder, Folder, Folder, SymbolicLink}
	if s.Do == Link {
		kinds = []Kind{File, File, SymbolicLink, Pipe}
	}
	if p.large {
		kinds = slices.DeleteFunc(kinds, func(k Kind) bool { return k == Folder })
	}
	s.From = Object{Kind: rapid.SampledFrom(kinds).Draw(p.t, "kind"), Path: p.path()}
	s.To = Object{Path: p.path()}
	if s.Do == Exchange || s.Do == Rename && p.chance("replace", 2) {
		s.To.Kind = s.From.Kind
	}
	if s.From.Kind == Folder && p.chance("beside", 3) {
		s.To.Path = path.Join(path.Dir(s.From.Path), rapid.SampledFrom([]string{"a", "b", "c", ".a"}).Draw(p.t, "beside"))
	}
	s.From.Spelled, s.To.Spelled = p.spelled(s.From.Path), p.spelled(s.To.Path)
	ok := p.free(s.From.Path) && p.free(s.To.Path) && p.mount(s.From.Path) == p.mount(s.To.Path)
	return s, ok && !within(s.From.Path, s.To.Path) && !within(s.To.Path, s.From.Path)
}

// path draws a path near the policies. Some are long, deep, or have odd bytes.
func (p *planner) path() string {
	at := sample.Path(p.near).Draw(p.t, "path")
	odd := func(label string, names ...string) string {
		return strings.TrimSuffix(at, "/") + "/" + rapid.SampledFrom(names).Draw(p.t, label)
	}
	switch rapid.IntRange(0, 39).Draw(p.t, "odd") {
	case 0:
		return odd("long", strings.Repeat("n", 255), strings.Repeat("a", 255))
	case 1:
		return odd("bytes", "a\n", "\xff\xfe", "a (deleted)", "ü", " ", "*", "a\\b", "//a"[2:]+"\x7f")
	case 2:
		// Just within what is read, and beyond.
		return strings.Repeat("/d", rapid.SampledFrom([]int{bpf.Components - 1, Deep - 1}).Draw(p.t, "deep")) + "/a"
	}
	return at
}

// free says whether an object can be made at a path: nothing else is there, or needed below.
func (p *planner) free(at string) bool {
	if !automata.IsCanonical(at) || at == "/" || len(at) > 3000 {
		return false
	}
	for _, name := range strings.Split(at, "/") {
		if len(name) > 255 {
			return false
		}
	}
	for _, there := range append([]string{"/proc", RootLink, "/.exec", "/.foreign", "/d", Bound}, p.mounted()...) {
		if within(there, at) {
			return false
		}
	}
	return !strings.HasSuffix(at, "/d") && !within(at, "/proc") && !within(at, RootLink)
}

// mounted are the folders where something is mounted.
func (p *planner) mounted() []string { return slices.Concat(p.mounts, p.binds) }

// mount returns the mount that a path is in.
func (p *planner) mount(at string) string {
	best := ""
	for _, m := range p.mounted() {
		if within(at, m) && len(m) > len(best) {
			best = m
		}
	}
	return best
}

// spelled draws a way to write a path.
func (p *planner) spelled(at string) string {
	switch rapid.IntRange(0, 9).Draw(p.t, "spelling") {
	case 0:
		return RootLink + at
	case 1:
		return strings.ReplaceAll(at, "/", "//")
	case 2:
		return "/." + at
	case 3:
		if at != "/" {
			return at[1:]
		}
	case 4:
		return "/proc/self/root" + at
	case 5:
		return "/proc/.." + at
	}
	return at
}

func (p *planner) chance(label string, n int) bool {
	return rapid.IntRange(1, n).Draw(p.t, label) == n
}

// unresolved says whether a path is longer than is read.
func unresolved(at string) bool { return strings.Count(at, "/") > bpf.Components }

// within says whether a path is another or below it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }
