// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestCheckout: the policy that describes the language has no findings.
func TestCheckout(t *testing.T) {
	set, list := run(map[string][]byte{"checkout.yaml": read(t, "testdata/checkout.yaml")})
	if found := printed(t, list); found != "" {
		t.Fatal(found)
	}
	p := set.Policies[0]
	if p.ID() != "shop/checkout" || !slices.Equal(p.Containers, []string{"app"}) {
		t.Errorf("%s of %v", p.ID(), p.Containers)
	}
	var ids []string
	for _, s := range policy.Sections {
		for _, r := range p.Rules(s) {
			ids = append(ids, r.ID()+" "+r.Action.String())
		}
	}
	want := []string{
		"process/runtime Allow", "process/probe Audit", "process/tools Block",
		"file/frozen Block", "file/token Block", "file/config Block", "file/memory Block",
		"network/from-frontend Allow", "network/to-db Allow", "network/dns Allow", "network/stripe Allow", "network/lan Allow", "network/raw Block",
		"syscalls/trace Block", "syscalls/personality Allow", "capabilities/bind Allow", "system/fuse Allow",
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	if frozen := p.File.Rules[0].Access; frozen != policy.AccessWrite|policy.AccessCreate|policy.AccessDelete|policy.AccessRename|policy.AccessLink|policy.AccessSetattr {
		t.Errorf("frozen has %s", frozen)
	}
	lan := p.Network.Rules[4]
	if lan.Ports[0].EndPort != 9100 || lan.Peers[0].Except[0].String() != "10.9.0.0/16" {
		t.Errorf("lan is %+v", lan)
	}
	if trace := p.Syscalls.Rules[0]; trace.Errno != 1 || len(trace.Names) != 2 {
		t.Errorf("trace is %+v", trace)
	}
}

// TestOrderOfFiles: neither it nor GOMAXPROCS changes anything.
func TestOrderOfFiles(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var files []*diag.File
	names, err := filepath.Glob(filepath.Join(archives, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		for _, f := range parseArchive(read(t, name)).files {
			if strings.HasSuffix(f.name, ".yaml") && !strings.HasPrefix(f.name, ".") {
				files = append(files, diag.NewFile(filepath.Base(name)+"/"+f.name, f.data))
			}
		}
	}
	result := func() string {
		list := &diag.List{}
		set := Documents(files, list)
		Meaning(set, DefaultPools(), list)
		var ids []string
		for _, p := range set.Policies {
			ids = append(ids, p.Span.String()+p.ID())
		}
		for _, w := range set.Workloads {
			ids = append(ids, w.Span.String()+w.Name)
		}
		return strings.Join(ids, "\n") + printed(t, list)
	}
	want := result()
	runtime.GOMAXPROCS(1)
	slices.Reverse(files)
	if diff := cmp.Diff(want, result()); diff != "" {
		t.Error(diff)
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"apiVersion: v1\nkind: Service\nspec: {anything: [goes]}", ""},
		{"apiVersion: example.com/v1\nkind: RuntimePolicy", ""},
		{"apiVersion: example.com/v1\nkind: Job", ""},
		{"apiVersion: avert.dev/v1alpha1\nkind: Config", ""},
		{"# nothing", ""},
		{"---\n---\n", ""},
		{"apiVersion: avertdev/v1alpha1\nkind: RuntimePolicy", `did you mean "avert.dev/v1alpha1"?`},
		{"apiVersion: v1alpha1\nkind: RuntimePolicy", `did you mean "avert.dev/v1alpha1"?`},
		{"apiVersion: avert.dev/v1alpha1\nkind: runtimepolicy", `did you mean "RuntimePolicy"?`},
		{"apiVersion: avert.dev/v1alpha1\nkind: Deployment", `kind "Deployment" is not known`},
		{"apiversion: v1\nkind: Pod", "did you mean apiVersion where it says apiversion?"},
		{"apiVersion: v1\nspec: {}", "the document has no kind"},
		{"- a", "the document is a list"},
		{"a word", "the document is a value"},
		{"apiVersion: {}\nkind: []", "the document has no"},
		{"apiVersion: apps/v1beta2\nkind: DaemonSet\nmetadata: {name: a}", "did you mean apps/v1?"},
		{"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}", "did you mean apps/v1?"},
		{"apiVersion: v1\nkind: List\nitems: [{apiVersion: avert.dev/v2, kind: RuntimePolicy}]", `did you mean "avert.dev/v1alpha1"?`},
		{"apiVersion: v1\nkind: List\nitems: [3]", "the document is a value"},
	} {
		_, list := run(map[string][]byte{"a.yaml": []byte(c.text)})
		if got := printed(t, list); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%q: want %q, found %q", c.text, c.want, got)
		}
	}
}

func TestWorkloadNames(t *testing.T) {
	const container = "spec: {containers: [{name: %s}]}"
	for _, c := range []struct{ metadata, container, want string }{
		{"{name: web.v2}", "app", ""},
		{"{name: " + strings.Repeat("a", 100) + ", namespace: shop}", "app", ""},
		{"{name: ../../etc}", "app", `Kubernetes takes no name like "../../etc"`},
		{"{name: 'a\"b'}", "app", "Kubernetes takes no name like"},
		{"{name: web..a}", "app", "Kubernetes takes no name like"},
		{"{name: " + strings.Repeat("a", 254) + "}", "app", "Kubernetes takes no name like"},
		{"{name: web, namespace: a.b}", "app", `Kubernetes takes no namespace like "a.b"`},
		{"{name: web}", "a/b", `Kubernetes takes no name like "a/b"`},
	} {
		text := "apiVersion: v1\nkind: Pod\nmetadata: " + c.metadata + "\n" + fmt.Sprintf(container, c.container)
		set, list := run(map[string][]byte{"a.yaml": []byte(text)})
		if got := printed(t, list); !strings.Contains(got, c.want) || (c.want == "") != (got == "") || (got == "") != (len(set.Workloads) == 1) {
			t.Errorf("%q: want %q, found %q and %d workloads", text, c.want, got, len(set.Workloads))
		}
	}
}

func TestWorkloads(t *testing.T) {
	set, list := run(map[string][]byte{"a.yaml": []byte(`
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    metadata: {name: bare, labels: {app: a}, namespace: x}
    spec:
      hostNetwork: true
      securityContext: {seLinuxOptions: {user: u, role: r, type: spc_t}}
      unknown: {keys: [are, fine]}
      containers:
        - name: main
          securityContext:
            privileged: true
            allowPrivilegeEscalation: false
            capabilities: {add: [cap_sys_admin, KILL, KILL], drop: [ALL]}
            seLinuxOptions: {level: "s0:c1"}
      ephemeralContainers: [{name: debug}]
  - apiVersion: batch/v1
    kind: CronJob
    metadata: {name: nightly}
    spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: b}}, spec: {initContainers: [{name: prepare}], containers: [{name: main, securityContext: }]}}}}}
`)})
	if found := printed(t, list); found != "" {
		t.Fatal(found)
	}
	no := false
	want := []*policy.Workload{
		{APIVersion: "batch/v1", Kind: "CronJob", Namespace: "default", Name: "nightly", Labels: map[string]string{"app": "b"}, Containers: []policy.Container{
			{Name: "main"}, {Name: "prepare", Kind: policy.InitContainer},
		}},
		{APIVersion: "v1", Kind: "Pod", Namespace: "x", Name: "bare", Labels: map[string]string{"app": "a"}, HostNetwork: true, Containers: []policy.Container{
			{Name: "main", Privileged: true, AllowPrivilegeEscalation: &no, AddCapabilities: []string{"KILL", "SYS_ADMIN"}, DropCapabilities: []string{"ALL"}, SELinux: policy.SELinuxOptions{Level: "s0:c1"}},
			{Name: "debug", Kind: policy.EphemeralContainer, SELinux: policy.SELinuxOptions{User: "u", Role: "r", Type: "spc_t"}},
		}},
	}
	if diff := cmp.Diff(want, set.Workloads, cmp.Comparer(func(a, b diag.Span) bool { return true })); diff != "" {
		t.Error(diff)
	}
}

func TestWrongWorkloads(t *testing.T) {
	for _, c := range []struct{ pod, want string }{
		{"metadata: {labels: {app: 1}, name: a}", "app takes text"},
		{"metadata: {name: 5}", "name takes text"},
		{"metadata: {generateName: a-}", "the Pod has no name"},
		{"metadata: [a]", "metadata takes a mapping"},
		{"metadata: {name: a}\nspec: {containers: {a: b}}", "containers takes a list"},
		{"metadata: {name: a}\nspec: {containers: [a]}", "the container has no name"},
		{"metadata: {name: a}\nspec: {hostNetwork: yes}", "hostNetwork takes true or false"},
		{"metadata: {name: a}\nspec: {containers: [{name: a, securityContext: {capabilities: {add: [1]}}}]}", "add takes names of capabilities"},
	} {
		set, list := run(map[string][]byte{"a.yaml": []byte("apiVersion: v1\nkind: Pod\n" + c.pod)})
		if got := printed(t, list); !strings.Contains(got, c.want) || len(set.Workloads) != 0 {
			t.Errorf("%q: want %q, found %q and %d workloads", c.pod, c.want, got, len(set.Workloads))
		}
	}
}

// TestErrorsAreLocal: what is wrong with one rule hides nothing about others,
// and is said once.
func TestErrorsAreLocal(t *testing.T) {
	set, list := run(map[string][]byte{"a.yaml": []byte(policyWith(`
  process:
    default: Block
    rules:
      - {name: a, action: Allow, path: [/a]}
      - {name: b, action: Allow, paths: [b/]}
      - {name: c, action: Allow, paths: [/c]}
`))})
	if got := list.Count(diag.Error); got != 2 {
		t.Errorf("%d errors: %s", got, printed(t, list))
	}
	if len(set.Policies) != 1 || len(set.Policies[0].Process.Rules) != 1 || set.Policies[0].Process.Rules[0].Name != "c" {
		t.Errorf("left is %+v", set.Policies)
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add(string(read(f, "testdata/checkout.yaml")))
	names, err := filepath.Glob(filepath.Join(archives, "*.txtar"))
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		for _, a := range parseArchive(read(f, name)).files {
			if a.name != "want" {
				f.Add(string(a.data))
			}
		}
	}
	f.Add(bomb(3))
	f.Fuzz(func(t *testing.T, text string) {
		check := func() string {
			set, list := run(map[string][]byte{"a.yaml": []byte(text)})
			Config(diag.NewFile("b.yaml", []byte(text)), list)
			for _, d := range list.Sorted() {
				spans := []diag.Span{d.Span}
				if d.Fix != nil {
					spans = append(spans, d.Fix.Span)
				}
				for _, s := range spans {
					if s.Start < 0 || s.End < s.Start || s.End > len(s.File.Source) {
						t.Fatalf("%s: %d to %d of %d bytes", d.Message, s.Start, s.End, len(s.File.Source))
					}
				}
				if strings.Contains(d.Message+d.Hint, "%!") && !strings.Contains(text, "%") {
					t.Fatalf("%s %s", d.Message, d.Hint)
				}
			}
			return fmt.Sprint(len(set.Policies), len(set.Workloads)) + printed(t, list)
		}
		if first, second := check(), check(); first != second {
			t.Fatal(cmp.Diff(first, second))
		}
	})
}

// TestOwnProfiles: what a container says counts before the annotation, and that
// before what its pod says; the runtime's own profile is said too.
func TestOwnProfiles(t *testing.T) {
	const localhost, runtimes, unconfined = "{type: Localhost, localhostProfile: mine}", "{type: RuntimeDefault}", "{type: Unconfined}"
	for _, c := range []struct {
		pod, annotation, container string
		seccomp, appArmor          string
	}{
		{"", "", "", "", ""},
		{localhost, "", "", "mine", "mine"},
		{localhost, "", runtimes, "", ""},
		{localhost, "", unconfined, "", policy.AppArmorUnconfined},
		{unconfined, "", runtimes, "", ""},
		{runtimes, "", localhost, "mine", "mine"},
		{localhost, "runtime/default", "", "mine", ""},
		{"", "localhost/other", "", "", "other"},
		{"", "localhost/other", runtimes, "", ""},
		{"", "unconfined", "", "", policy.AppArmorUnconfined},
	} {
		fields := func(profile string) string {
			if profile == "" {
				return "{}"
			}
			return "{seccompProfile: " + profile + ", appArmorProfile: " + profile + "}"
		}
		annotations := "{}"
		if c.annotation != "" {
			annotations = "{" + policy.AppArmorAnnotation + "c: " + c.annotation + "}"
		}
		var list diag.List
		set := Documents([]*diag.File{diag.NewFile("pod.yaml", []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: "+annotations+"}\nspec:\n"+
			"  securityContext: "+fields(c.pod)+"\n  containers: [{name: c, securityContext: "+fields(c.container)+"}]\n"))}, &list)
		if len(set.Workloads) != 1 || list.HasErrors() {
			t.Fatalf("%+v: %v", c, list.Sorted())
		}
		got := set.Workloads[0].Containers[0]
		if got.SeccompProfile != c.seccomp || got.AppArmorProfile != c.appArmor || got.AppArmorAnnotated != (c.annotation != "") {
			t.Errorf("%+v: seccomp %q, AppArmor %q, annotated %v", c, got.SeccompProfile, got.AppArmorProfile, got.AppArmorAnnotated)
		}
	}
}
