// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/internal/testimage"
	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/runtime/image"
)

// source is two policies of one unit: what is enforced, and a trial.
const source = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  process:
    default: Allow
    rules:
      - {name: shell, action: Block, paths: [/bin/sh], from: {exe: [/bin/node]}}
      - {name: probe, action: Audit, paths: [/bin/probe]}
  file:
    default: Allow
    rules:
      - {name: token, action: Block, access: [read], paths: [/secret/**]}
      - {name: hushed, action: Block, quiet: true, access: [write], paths: [/secret/**]}
      - {name: fixed, action: Block, access: [create, delete], paths: [/fixed/**]}
  system:
    rules:
      - {name: mounts, action: Block, operations: [mount]}
  accept: [{rule: system/default, reason: a test}]
---
apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: trial, namespace: shop}
spec:
  mode: Audit
  selector: {matchLabels: {app: web}}
  file:
    default: Allow
    rules:
      - {name: etc, action: Block, access: [read], paths: [/etc/**, /secret/**], from: {ancestor: [/bin/init]}}
  accept: [{rule: system/default, reason: a test}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers: [{name: app}]
`

func compile(t testing.TB) []byte {
	t.Helper()
	return testimage.Compile(t, "6.12", source)
}

// explainer has one image: policy 7, generation 3.
func explainer(t testing.TB) *Explainer {
	raw := compile(t)
	return &Explainer{
		Node: "n1",
		Image: func(policy uint64, generation uint32) ([]byte, error) {
			if policy != 7 || generation != 3 {
				return nil, fs.ErrNotExist
			}
			return raw, nil
		},
		Time:   func(ns uint64) time.Time { return time.Unix(1000, 0).Add(time.Duration(ns)) },
		Cgroup: func(id uint64) string { return fmt.Sprint("/pod", id) },
	}
}

// record builds what a program would write.
func record(e bpf.Event, paths ...string) []byte {
	size := 256
	for _, p := range paths {
		if len(p) > size {
			size = bpf.PathMax
		}
	}
	e.Time, e.Cgroup, e.TGID, e.PPID, e.UID, e.GID = 5, 9, 42, 1, 1000, 1001
	if e.Policy == 0 {
		e.Policy, e.Generation = 7, 3
	}
	copy(e.Comm[:], "a\nb")
	text := bytes.Repeat([]byte{0xaa}, 3*size) // what is beyond paths means nothing
	for i, p := range paths {
		e.Length[i] = uint16(len(p))
		copy(text[i*size:], p)
	}
	out, err := binary.Append(nil, binary.LittleEndian, &e)
	if err != nil {
		panic(err)
	}
	return append(out, text...)
}

// atom is the bit of the atom with a pattern.
func atom(t testing.TB, pattern string) uint64 {
	m, err := image.Decode(compile(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, list := range m.Identity.Atoms {
		if list[0] == pattern {
			return 1 << i
		}
	}
	t.Fatalf("no atom %s", pattern)
	return 0
}

// TestEvents: reports become alerts with their rules.
func TestEvents(t *testing.T) {
	x := explainer(t)
	node, initial := bpf.State{Current: atom(t, "/bin/node")}, bpf.State{Seen: atom(t, "/bin/init")}
	read := uint16(policy.AccessRead)
	long := "/secret/" + strings.Repeat("x", 1000)
	lineages := map[bpf.State]*event.Lineage{
		node:    {Exe: [][]event.Text{{"/bin/node"}}},
		initial: {Ancestor: [][]event.Text{{"/bin/init"}}},
	}
	unnamed := [2]bpf.Class{bpf.Unnamed, bpf.Unnamed}
	for _, test := range []struct {
		name  string
		e     bpf.Event
		paths []string
		want  string
	}{
		{"a file", bpf.Event{Access: read, Blocks: 1, Refused: 1}, []string{"/secret/a"}, "Block shop/web file/token:14 certain file read"},
		{"a long path", bpf.Event{Access: read, Blocks: 1, Refused: 1}, []string{long}, "Block shop/web file/token:14 certain file read"},
		{"quiet", bpf.Event{Access: read | uint16(policy.AccessWrite), Blocks: 1, Refused: 1}, []string{"/secret/a"}, "Block shop/web file/token:14 certain file read,write"},
		{"two layers", bpf.Event{Access: read, Blocks: 3, Refused: 1, State: initial}, []string{"/secret/a"},
			"Block shop/web file/token:14 certain file read; WouldBlock shop/trial file/etc:31 certain file read"},
		{"the lineage says no", bpf.Event{Access: read, Blocks: 2}, []string{"/etc/a"}, "WouldBlock none file read"},
		{"the lineage is lost", bpf.Event{Access: read, Blocks: 2, Lost: 1}, []string{"/etc/a"}, "WouldBlock shop/trial file/etc:31 file read the lineage is not known, since the process did nothing while many revisions passed"},
		{"a layer beyond those of the image", bpf.Event{Access: read, Blocks: 8}, []string{"/etc/a"}, "WouldBlock none file read"},
		{"exec", bpf.Event{Kind: bpf.KindExec, Access: uint16(policy.AccessExec), Blocks: 1, Refused: 1, State: node}, []string{"/bin/sh"}, "Block shop/web process/shell:9 certain exec"},
		{"audited", bpf.Event{Kind: bpf.KindExec, Access: uint16(policy.AccessExec), Audits: 1}, []string{"/bin/probe"}, "Audit shop/web process/probe:10 certain exec"},
		{"a target", bpf.Event{Kind: bpf.KindRename, Access: uint16(policy.AccessRename), Blocks: 1, Refused: 1}, []string{"/tmp/a", "/fixed/a"}, "Block shop/web file/fixed:16 certain rename rename"},
		{"carried out", bpf.Event{Kind: bpf.KindRename, Access: uint16(policy.AccessRename), Blocks: 1, Carried: 1, Refused: 1}, []string{"/secret/a", "/tmp/a"}, "Block shop/web file/(carry-out):14 certain rename rename"},
		{"carried out with a directory", bpf.Event{Kind: bpf.KindLink, Access: uint16(policy.AccessLink), Blocks: 1, Carried: 1, Refused: 1}, []string{"/secret", "/tmp/a"}, "Block shop/web file/(carry-out):3 certain link link"},
		{"system", bpf.Event{Kind: bpf.KindSystem, Class: unnamed, Blocks: 1, Refused: 1}, nil, "Block shop/web system/mounts:19 certain mount"},
		{"unresolved", bpf.Event{Access: read, Class: [2]bpf.Class{bpf.Unresolved, bpf.Unnamed}, Blocks: 1, Refused: 1}, nil, "Block shop/web file/(unresolved):3 certain file read the path of the object cannot be known"},
		{"anonymous", bpf.Event{Access: read, Class: [2]bpf.Class{bpf.Anonymous, bpf.Unnamed}, Blocks: 1, Refused: 1}, nil, "Block none file read the object has no path"},
		{"an unknown revision", bpf.Event{Access: read, Blocks: 1, Refused: 1, Policy: 7, Generation: 1}, []string{"/secret/a"}, "Block none file read the revision that decided is no longer on the node"},
	} {
		r, err := Decode(record(test.e, test.paths...))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var got []string
		for _, e := range x.Events(r) {
			got = append(got, describeEvent(e))
			if e.Source != event.LSM || e.Node != "n1" || e.Time != "1970-01-01T00:16:40.000000005Z" || e.Process.PID != 42 || e.Process.PPID != 1 || *e.Process.UID != 1000 ||
				*e.Process.GID != 1001 || e.Process.Comm != "a\nb" || e.Process.Cgroup != "/pod9" || e.Unit != "shop-trial+web_pod-web_app" && r.Generation == 3 {
				t.Errorf("%s: %s", test.name, e.Line())
			}
			if got, want := e.Process.Lineage, lineages[test.e.State]; r.Generation == 3 && !cmp.Equal(got, want) {
				t.Errorf("%s: lineage %+v, want %+v", test.name, got, want)
			}
			if len(test.paths) > 0 && e.Object.Path != event.Text(test.paths[0]) || len(test.paths) > 1 && e.Object.Target != event.Text(test.paths[1]) {
				t.Errorf("%s: %+v", test.name, e.Object)
			}
		}
		if got := strings.Join(got, "; "); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func describeEvent(e event.Event) string {
	out := string(e.Verdict) + " none"
	if e.Policy != nil {
		out = fmt.Sprintf("%s %s/%s %s:%d", e.Verdict, e.Policy.Namespace, e.Policy.Name, e.Rule, e.Position.Line)
	}
	if e.Certain {
		out += " certain"
	}
	return strings.TrimSpace(strings.Join(append([]string{out, string(e.Operation)}, strings.TrimSpace(strings.Join(e.Access, ",")+" "+string(e.Info))), " "))
}

// TestHostile: what no program writes is refused, and bytes of paths stay bytes.
func TestHostile(t *testing.T) {
	good := bpf.Event{Access: uint16(policy.AccessRead), Blocks: 1, Refused: 1}
	whole := record(good, "/a")
	for _, n := range []int{0, 1, bpf.EventSize - 1, bpf.EventSize, len(whole) - 1, len(whole) + 1} {
		if _, err := Decode(append(whole, 0)[:n]); err == nil {
			t.Errorf("a record of %d bytes is taken", n)
		}
	}
	for name, edit := range map[string]func(*bpf.Event){
		"a kind":                    func(e *bpf.Event) { e.Kind = 5 },
		"an operation":              func(e *bpf.Event) { e.Kind, e.Access, e.Operation = bpf.KindSystem, 0, 7 },
		"an access":                 func(e *bpf.Event) { e.Access = 1 << 12 },
		"no access":                 func(e *bpf.Event) { e.Access = 0 },
		"an access of system":       func(e *bpf.Event) { e.Kind = bpf.KindSystem },
		"a layer":                   func(e *bpf.Event) { e.Audits = 16 },
		"no layer":                  func(e *bpf.Event) { e.Blocks = 0 },
		"carried, but not blocked":  func(e *bpf.Event) { e.Carried = 2 },
		"audited, but blocked":      func(e *bpf.Event) { e.Audits = 1 },
		"audited, but refused":      func(e *bpf.Event) { e.Blocks, e.Audits = 2, 1 },
		"blocked, but not refused":  func(e *bpf.Event) { e.Refused = 0 },
		"a class":                   func(e *bpf.Event) { e.Class[1] = 4 },
		"a path of no name":         func(e *bpf.Event) { e.Class[0] = bpf.Anonymous; e.Length[0] = 2 },
		"a path beyond its place":   func(e *bpf.Event) { e.Length[0] = 257 },
		"a target beyond its place": func(e *bpf.Event) { e.Length[1] = 65535 },
	} {
		e := good
		e.Length[0] = 2
		edit(&e)
		b, _ := binary.Append(nil, binary.LittleEndian, &e)
		if r, err := Decode(append(b, make([]byte, bpf.SmallText)...)); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	x := explainer(t)
	path := "/secret/\n\xff\",\"verdict\":\"\x7f\x1b"
	r, err := Decode(record(good, path))
	if err != nil {
		t.Fatal(err)
	}
	events := x.Events(r)
	if len(events) != 1 || events[0].Object.Path != event.Text(path) || events[0].Rule != "file/token" {
		t.Fatalf("%+v", events)
	}
	if line := events[0].Line(); bytes.Count(line, []byte("\n")) != 1 {
		t.Errorf("%q", line)
	}
}

// TestImages: each revision is read once, unless that failed.
func TestImages(t *testing.T) {
	asked, answer := 0, errors.New("busy")
	x := &Explainer{Time: still, Image: func(uint64, uint32) ([]byte, error) { asked++; return nil, answer }}
	r := &Record{Event: bpf.Event{Blocks: 1, Refused: 1, Access: 1}}
	for range 2 {
		if e := x.Events(r); len(e) != 1 || e[0].Info != "the revision that decided cannot be read: busy" {
			t.Errorf("%+v", e)
		}
	}
	answer = fs.ErrNotExist
	x.Events(r)
	x.Events(r)
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

// still is a clock that stands still.
func still(uint64) time.Time { return time.Unix(0, 0) }

// TestCgroups: an unknown id leads to a walk, but not each time.
func TestCgroups(t *testing.T) {
	walks := 0
	c := &Cgroups{Root: "/sys/fs/cgroup", List: func(root string) map[uint64]string {
		walks++
		return map[uint64]string{1: root, 2: root + "/kubepods/pod1"}
	}}
	if a, b, none := c.Path(1), c.Path(2), c.Path(3); a != "/" || b != "/kubepods/pod1" || none != "" || walks != 1 {
		t.Errorf("%q %q %q, %d walks", a, b, none, walks)
	}
}

// FuzzDecode: whatever is in the ring buffer, nothing panics, and every alert is a
// line.
func FuzzDecode(f *testing.F) {
	f.Add(record(bpf.Event{Access: 1, Blocks: 3, Refused: 1}, "/secret/a"))
	f.Add(record(bpf.Event{Kind: bpf.KindRename, Access: uint16(policy.AccessRename), Blocks: 1, Carried: 1, Refused: 1}, "/secret/a", "/b"))
	f.Add(record(bpf.Event{Kind: bpf.KindSystem, Class: [2]bpf.Class{bpf.Unnamed, bpf.Unnamed}, Audits: 1}))
	f.Add(record(bpf.Event{Kind: bpf.KindExec, Access: uint16(policy.AccessExec), Blocks: 1, Refused: 1}, "/lib/ld-linux.so.2"))
	x := explainer(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data)
		if err != nil {
			return
		}
		r.Policy, r.Generation = 7, 3
		events := x.Events(r)
		if len(events) > bpf.MaxLayers {
			t.Fatalf("%d alerts", len(events))
		}
		for _, e := range events {
			if out := string(e.Line()); strings.Count(out, "\n") != 1 || !strings.HasSuffix(out, "}\n") {
				t.Fatalf("not a line: %q", out)
			}
		}
	})
}
