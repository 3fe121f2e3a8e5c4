// SPDX-License-Identifier: Apache-2.0

//go:build guest && linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/schemas"
)

func unsafePointer[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// long is below /secret, and too long for the smaller reports.
var long = "/secret/" + strings.Repeat(strings.Repeat("l", 200)+"/", 3) + "key"

// deep has more components than are read.
var deep = strings.Repeat("/deep", 300) + "/key"

// set up makes the files of the container, and loads its policies, once.
var setUp = sync.OnceValue(func() error {
	for _, path := range []string{
		"/secret/key", "/secret/both", "/secret/ready", long, deep, "/frozen/file", "/blocked/program", "/blocked/library", "/frozen/library",
		"/hushed/key", "/lineage/exe", "/lineage/parent", "/lineage/ancestor", "/trial/key", "/free/file", "/free/other",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, make([]byte, 4096), 0o755)); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/tools", "/lib", "/born", "/watched", "/sys/fs/cgroup/web/pod"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for _, path := range []string{"/tools/first", "/tools/entry", "/tools/deeds", "/lib/ld-x.so.1"} {
		if err := os.Link("/avert/test", path); err != nil {
			return err
		}
	}
	if err := os.Link("/bin/busybox", "/watched/true"); err != nil {
		return err
	}
	out, err := exec.Command("avert-node", "load", "/web.img", "--cgroup", "/sys/fs/cgroup/web").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// follower is avert-node events.
type follower struct {
	t            *testing.T
	cmd          *exec.Cmd
	alerts, said <-chan string
	before       uint64 // reports lost before it began
	schema       *jsonschema.Schema
}

func startEvents(t *testing.T) *follower {
	t.Helper()
	begin := time.Now()
	if err := setUp(); err != nil {
		t.Fatal(err)
	}
	t.Logf("set up in %v", time.Since(begin).Round(time.Millisecond))
	cmd := exec.Command("avert-node", "events", "--node", "guest")
	out, err1 := cmd.StdoutPipe()
	problems, err2 := cmd.StderrPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	f := &follower{t: t, cmd: cmd, alerts: lines(out), said: lines(problems)}
	said := next(t, f.said, "avert-node events begins")
	if _, err := fmt.Sscanf(said, "avert-node: reading the reports of the attached programs; %d were lost before", &f.before); err != nil {
		t.Fatalf("it says %q", said)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemas.Read("event")))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("event.json", doc); err != nil {
		t.Fatal(err)
	}
	f.schema = compiler.MustCompile("event.json")
	return f
}

// read reads a line as what it must be.
func (f *follower) read(line string) (e event.Event) {
	f.t.Helper()
	if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i != len(line)-1 || line[i] != '\n' {
		f.t.Fatalf("not one printable line: %q", line)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
	if err == nil {
		err = errors.Join(f.schema.Validate(value), json.Unmarshal([]byte(line), &e))
	}
	if err != nil {
		f.t.Fatalf("%v\n%s", err, line)
	}
	return e
}

func (f *follower) next() event.Event {
	f.t.Helper()
	return f.read(next(f.t, f.alerts, "the next alert"))
}

// stop interrupts it, and returns what it still says.
func (f *follower) stop() (rest []event.Event) {
	f.t.Helper()
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		f.t.Fatal(err)
	}
	end := time.After(patience)
	for open := true; open; {
		select {
		case line, ok := <-f.alerts:
			if open = ok; ok {
				rest = append(rest, f.read(line))
			}
		case <-end:
			f.t.Fatal("avert-node events does not end")
		}
	}
	for line := range f.said {
		f.t.Errorf("it says %q", line)
	}
	if err := f.cmd.Wait(); err != nil {
		f.t.Errorf("avert-node events: %v", err)
	}
	return rest
}

// at is the line of the policies that has a text.
func at(text string) int {
	i := strings.Index(alertPolicies, text)
	if i < 0 {
		panic(text)
	}
	return 1 + strings.Count(alertPolicies[:i], "\n")
}

// summary is what is about the policy and the operation.
func summary(e event.Event) string {
	rule, access, object := "no rule", strings.Join(e.Access, ","), ""
	if e.Policy != nil {
		rule = fmt.Sprintf("%s %s:%d", e.Policy.Name, e.Rule, e.Position.Line)
	}
	if e.Object != nil {
		object = string(e.Object.Path)
		if e.Object.Target != "" {
			object += " to " + string(e.Object.Target)
		}
	}
	out := fmt.Sprint(e.Verdict, " ", rule)
	for _, part := range []string{string(e.Section), string(e.Operation), access, object, string(e.Info)} {
		if part != "" {
			out += " " + part
		}
	}
	if !e.Certain {
		out += " (uncertain)"
	}
	return out
}

// hasUserNamespaces says whether the kernel has a hook for them (6.1).
func hasUserNamespaces() bool {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return !strings.HasPrefix(string(release), "5.")
}

// TestGuestAlerts: each kind of operation gives its alert, with the rule behind it and
// who did it.
func TestGuestAlerts(t *testing.T) {
	f := startEvents(t)
	c := f.enter("web/pod", "/tools/deeds", "deeds", "an argument")
	b := func(s string) []byte { return []byte(s) }
	secret, frozen, born := at("name: secret"), at("name: frozen"), at("name: born")
	web, trial := at("name: web"), at("name: trial")
	system := fmt.Sprintf("WouldBlock trial system/default:%d system ", trial)
	for _, test := range []struct {
		deed  deed
		errno syscall.Errno
		want  []string
	}{
		{deed{Does: "read", Path: b("/free/file")}, 0, nil},
		{deed{Does: "read", Path: b("/secret/key")}, unix.EPERM, []string{fmt.Sprintf("Block web file/secret:%d file file read /secret/key", secret)}},
		{deed{Does: "read", Path: b(long)}, unix.EPERM, []string{fmt.Sprintf("Block web file/secret:%d file file read %s", secret, long)}},
		{deed{Does: "read", Path: b("/secret/both")}, unix.EPERM, []string{
			fmt.Sprintf("Block web file/secret:%d file file read /secret/both", secret),
			fmt.Sprintf("WouldBlock trial file/tried:%d file file read /secret/both", at("name: tried"))}},
		{deed{Does: "read", Path: b("/trial/key")}, 0, []string{fmt.Sprintf("WouldBlock trial file/tried:%d file file read /trial/key", at("name: tried"))}},
		{deed{Does: "read", Path: b("/hushed/key")}, unix.EPERM, nil},
		{deed{Does: "read", Path: b(deep)}, unix.EPERM, []string{
			fmt.Sprintf("Block web file/(unresolved):%d file file read the path of the object cannot be known", web),
			fmt.Sprintf("WouldBlock trial file/(unresolved):%d file file read the path of the object cannot be known", trial)}},
		{deed{Does: "write", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file write /frozen/file", frozen)}},
		{deed{Does: "read and write", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file read,write /frozen/file", frozen)}},
		{deed{Does: "truncate", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file write /frozen/file", frozen)}},
		{deed{Does: "create", Path: b("/frozen/new")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file create /frozen/new", frozen)}},
		{deed{Does: "create", Path: b("/born/new")}, 0, []string{fmt.Sprintf("Audit web file/born:%d file file create /born/new", born)}},
		{deed{Does: "mkdir", Path: b("/born/folder")}, 0, []string{fmt.Sprintf("Audit web file/born:%d file file create /born/folder", born)}},
		{deed{Does: "unlink", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file delete /frozen/file", frozen)}},
		{deed{Does: "rename", Path: b("/frozen/file"), To: b("/frozen/other")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file rename rename /frozen/file to /frozen/other", frozen)}},
		{deed{Does: "rename", Path: b("/free/file"), To: b("/frozen/other")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file rename rename /free/file to /frozen/other", frozen)}},
		{deed{Does: "rename", Path: b("/secret/key"), To: b("/free/key")}, unix.EPERM, []string{fmt.Sprintf("Block web file/(carry-out):%d file rename rename /secret/key to /free/key", secret)}},
		{deed{Does: "rename", Path: b("/free/file"), To: b("/born/file")}, 0, []string{fmt.Sprintf("Audit web file/born:%d file rename rename /free/file to /born/file", born)}},
		{deed{Does: "link", Path: b("/frozen/file"), To: b("/frozen/other")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file link link /frozen/file to /frozen/other", frozen)}},
		{deed{Does: "link", Path: b("/secret/key"), To: b("/free/key")}, unix.EPERM, []string{fmt.Sprintf("Block web file/(carry-out):%d file link link /secret/key to /free/key", secret)}},
		{deed{Does: "chmod", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file chmod /frozen/file", frozen)}},
		{deed{Does: "chown", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file chown /frozen/file", frozen)}},
		{deed{Does: "times", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file times /frozen/file", frozen)}},
		{deed{Does: "setxattr", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file xattr /frozen/file", frozen)}},
		{deed{Does: "removexattr", Path: b("/frozen/file")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file xattr /frozen/file", frozen)}},
		{deed{Does: "map", Path: b("/frozen/library")}, unix.EPERM, []string{fmt.Sprintf("Block web file/frozen:%d file file map /frozen/library", frozen)}},
		{deed{Does: "map", Path: b("/blocked/library")}, unix.EPERM, []string{fmt.Sprintf("Block web process/blocked:%d file file map /blocked/library", at("name: blocked"))}},
		{deed{Does: "exec", Path: b("/blocked/program")}, unix.EPERM, []string{fmt.Sprintf("Block web process/blocked:%d process exec /blocked/program", at("name: blocked"))}},
		{deed{Does: "exec", Path: b("/lib/ld-x.so.1")}, unix.EPERM, []string{fmt.Sprintf("Block web process/(loader):%d process exec /lib/ld-x.so.1", web)}},
		{deed{Does: "read", Path: b("/lineage/exe")}, unix.EPERM, []string{fmt.Sprintf("Block web file/exe:%d file file read /lineage/exe", at("name: exe"))}},
		{deed{Does: "read", Path: b("/lineage/parent")}, unix.EPERM, []string{fmt.Sprintf("Block web file/parent:%d file file read /lineage/parent", at("name: parent"))}},
		{deed{Does: "read", Path: b("/lineage/ancestor")}, unix.EPERM, []string{fmt.Sprintf("Block web file/ancestor:%d file file read /lineage/ancestor", at("name: ancestor"))}},
		{deed{Does: "mount", Path: b("/free")}, unix.EPERM, []string{fmt.Sprintf("Block web system/mounts:%d system mount", at("name: mounts")), system + "mount"}},
		{deed{Does: "bpf"}, unix.EPERM, []string{fmt.Sprintf("Block web system/programs:%d system bpf", at("name: programs")), system + "bpf"}},
	} {
		begin := time.Now()
		if a := c.do(test.deed); a.Errno != test.errno {
			t.Errorf("%s %.80s: %v, want %v", test.deed.Does, test.deed.Path, a.Errno, test.errno)
		}
		end := time.Now()
		var got []string
		for range test.want {
			e := f.next()
			got = append(got, summary(e))
			f.common(e, c, begin, end)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %.80s (-want +got):\n%s", test.deed.Does, test.deed.Path, diff)
		}
	}
	// Those are about processes that do not wait.
	c.do(deed{Does: "run", Path: b("/watched/true")})
	if e := f.next(); summary(e) != fmt.Sprintf("Audit web process/watched:%d process exec /watched/true", at("name: watched")) || *e.Process.UID != realUser || int(e.Process.PPID) != c.cmd.Process.Pid {
		t.Errorf("%s", e.Line())
	}
	c.do(deed{Does: "userns", Path: b("/bin/true")})
	if hasUserNamespaces() {
		if e := f.next(); summary(e) != fmt.Sprintf("Audit web system/namespaces:%d system userns", at("name: namespaces")) || *e.Process.UID != realUser || e.Process.PID != c.cmd.Process.Pid {
			t.Errorf("%s", e.Line())
		}
	}
	for _, e := range f.stop() {
		t.Errorf("and %s", e.Line())
	}
}

// common checks what alerts about the process in the container share.
func (f *follower) common(e event.Event, c *container, begin, end time.Time) {
	f.t.Helper()
	when, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil || when.Before(begin.Add(-time.Second)) || when.After(end.Add(time.Second)) {
		f.t.Errorf("an alert of %s about what happened at %v", e.Time, begin)
	}
	want := event.Event{Source: event.LSM, Node: "guest", Unit: "shop-trial+web_pod-web_app", Process: &c.who}
	got := event.Event{Source: e.Source, Node: e.Node, Unit: e.Unit, Process: e.Process}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("%s (-want +got):\n%s", summary(e), diff)
	}
	mode := map[event.Text]string{"web": "Enforce", "trial": "Audit"}
	revision := event.Text(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(alertPolicies))))
	if p := e.Policy; p == nil || p.Namespace != "shop" || p.Mode != mode[p.Name] || p.Revision != revision || e.Position.File != "policy.yaml" {
		f.t.Errorf("%+v, revision %s", p, revision)
	}
}

// counters are those that avert-node status prints.
func counters(t *testing.T) map[string]int64 {
	t.Helper()
	out, err := exec.Command("avert-node", "status").CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == exitFindings) {
		t.Fatalf("%v\n%s", err, out)
	}
	counters := map[string]int64{}
	for _, m := range regexp.MustCompile(`(?m)^  (reported|lost|blocked|failed) +([0-9]+)$`).FindAllStringSubmatch(string(out), -1) {
		counters[m[1]], _ = strconv.ParseInt(m[2], 10, 64)
	}
	if len(counters) != 4 {
		t.Fatalf("%s", out)
	}
	return counters
}

// TestGuestAlertsLost: reports that find no place change no verdict, and each is
// counted.
func TestGuestAlertsLost(t *testing.T) {
	f := startEvents(t)
	c := f.enter("web/pod", "/tools/deeds", "deeds")
	before := counters(t)
	if err := f.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	const times = 400
	if a := c.do(deed{Does: "flood", Path: []byte("/secret/key"), To: []byte(long), Times: times}); a.Refused != 4*times {
		t.Errorf("%d of %d opens were refused", a.Refused, 4*times)
	}
	if a := c.do(deed{Does: "read", Path: []byte("/free/other")}); a.Errno != 0 {
		t.Errorf("what is allowed is refused: %v", a.Errno)
	}
	if a := c.do(deed{Does: "read", Path: []byte("/secret/key")}); a.Errno != unix.EPERM {
		t.Errorf("a last one is not refused: %v", a.Errno)
	}
	after := counters(t)
	blocked, reported, lost := after["blocked"]-before["blocked"], after["reported"]-before["reported"], after["lost"]-before["lost"]
	t.Logf("%d blocked, %d reported, %d lost, %d failed", blocked, reported, lost, after["failed"])
	if after["failed"] != 0 || blocked != 4*times+1 || blocked != reported+lost || reported == 0 || lost == 0 {
		t.Errorf("of %d", 4*times+1)
	}
	if err := f.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	var alerts, told int64
	count := func(e event.Event) {
		if e.Lost > 0 {
			told += int64(e.Lost)
			if e.Source != event.LSM || e.Node != "guest" || e.Verdict != "" || e.Process != nil {
				t.Errorf("%s", e.Line())
			}
			return
		}
		alerts++
		if e.Verdict != event.Block || e.Rule != "file/secret" || e.Object.Path != "/secret/key" && string(e.Object.Path) != long || e.Process.PID != c.cmd.Process.Pid {
			t.Errorf("%s", e.Line())
		}
	}
	for alerts < reported {
		count(f.next())
	}
	// The buffer has place again.
	c.do(deed{Does: "read", Path: []byte("/secret/key")})
	count(f.next())
	for _, e := range f.stop() {
		count(e)
	}
	if alerts != reported+1 || told != lost {
		t.Errorf("%d alerts of %d, %d told to be lost of %d", alerts, reported+1, told, lost)
	}
	if f := startEvents(t); f.before != uint64(after["lost"]) {
		t.Errorf("the next reader says that %d were lost before, and not %d", f.before, after["lost"])
	}
}

// hostile are names that a process may choose, to be taken for more than a name.
var hostile = []string{
	"\n{\"time\":\"2026-01-01T00:00:00Z\",\"source\":\"lsm\",\"verdict\":\"Audit\",\"certain\":true}\n",
	"\",\"verdict\":\"Audit\",\"x\":\"", "\nUid:\t7\t7\t7\t7", ") R 1 1 1 1 1 1", "\\x0a\\", "\\\"", "\r\x1b[2J\x07\x7f", "\xff\xfe\xc3", "\u202e\u2028\u00a0", " (deleted)",
}

// TestGuestAlertsForged: whatever a process chooses, an alert is one line, and says
// what the process chose where it belongs.
func TestGuestAlertsForged(t *testing.T) {
	f := startEvents(t)
	last := "/tools/" + hostile[0]
	cgroup := "web/" + strings.ReplaceAll(strings.Join(hostile[1:], ""), "\n", "") // no cgroup has a line break
	if err := errors.Join(os.Link("/tools/deeds", last), os.Mkdir("/sys/fs/cgroup/"+cgroup, 0o755), os.WriteFile("/secret/"+hostile[0], nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	c := f.enter(cgroup, last, hostile...)
	for _, name := range hostile {
		path := "/secret/" + name
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		to := "/frozen/" + name
		for _, d := range []deed{{Does: "read", Path: []byte(path), Comm: []byte(name)}, {Does: "rename", Path: []byte(path), To: []byte(to)}} {
			begin := time.Now()
			if a := c.do(d); a.Errno != unix.EPERM {
				t.Errorf("%s %q: %v", d.Does, d.Path, a.Errno)
			}
			e := f.next()
			f.common(e, c, begin, time.Now())
			want := event.Object{Path: event.Text(d.Path), Target: event.Text(d.To)}
			if e.Verdict != event.Block || !e.Certain || *e.Object != want {
				t.Errorf("%s %q: %s", d.Does, d.Path, e.Line())
			}
		}
	}
	for _, e := range f.stop() {
		t.Errorf("and %s", e.Line())
	}
}
