// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/output"
	"github.com/avert-dev/avert/internal/needs"
)

const root = "../.."

// bothPools has a pool for each network back-end.
const bothPools = `
apiVersion: avert.dev/v1alpha1
kind: Config
pools:
  - {name: plain, cni: {name: other}}
  - {name: cilium, cni: {name: cilium, version: "1.18"}}
`

// The kind of the network objects of each pool.
var networkKinds = map[string]string{"plain": "NetworkPolicy", "cilium": "CiliumNetworkPolicy"}

// An input is what users have: policies, and workloads.
type input struct{ policies, workloads []string }

var rich = input{[]string{"testdata/policies.yaml"}, []string{"testdata/user/workloads.yaml", "testdata/user/neighbours.yaml"}}

// inputs are rich and the folders of examples.
func inputs(t *testing.T) map[string]input {
	out := map[string]input{"rich": rich}
	folders, err := filepath.Glob(filepath.Join(root, "examples", "*", "policy.yaml"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, policies := range folders {
		dir := filepath.Dir(policies)
		workloads, err := filepath.Glob(filepath.Join(dir, "workload*.yaml"))
		if err != nil || len(workloads) == 0 {
			t.Fatalf("%s: no workloads: %v", dir, err)
		}
		out[filepath.Base(dir)] = input{[]string{policies}, workloads}
	}
	return out
}

func (in input) read(t *testing.T) []*diag.File {
	t.Helper()
	var files []*diag.File
	for _, name := range slices.Concat(in.policies, in.workloads) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, diag.NewFile(filepath.Base(name), data))
	}
	return files
}

func compile(t *testing.T, files []*diag.File, config string) []output.File {
	t.Helper()
	result := compiler.Compile(compiler.Input{Files: files, Config: diag.NewFile(".avert.yaml", []byte(config))})
	if result.HasErrors() {
		for _, f := range result.Findings {
			t.Errorf("%s: %s", f.Span, f.Message)
		}
		t.FailNow()
	}
	return result.Files
}

// write compiles for both pools and writes the trees below dir.
func (in input) write(t *testing.T, dir string) {
	t.Helper()
	if _, err := output.Write(dir, compile(t, in.read(t), bothPools), output.Options{}); err != nil {
		t.Fatal(err)
	}
}

// An object is one of Kubernetes.
type object map[string]any

// String returns "Kind namespace/name", with nothing for a namespace that is not given.
func (o object) String() string {
	m := o["metadata"].(map[string]any)
	namespace, _ := m["namespace"].(string)
	return fmt.Sprintf("%s %s/%s", o["kind"], namespace, m["name"])
}

// containers returns the containers of a workload by list and name.
func (o object) containers() map[string]map[string]any {
	spec, _ := o["spec"].(map[string]any)
	if job, ok := spec["jobTemplate"].(map[string]any); ok {
		spec, _ = job["spec"].(map[string]any)
	}
	if template, ok := spec["template"].(map[string]any); ok {
		spec, _ = template["spec"].(map[string]any)
	}
	out := map[string]map[string]any{}
	for _, list := range []string{"initContainers", "containers"} {
		containers, _ := spec[list].([]any)
		for _, c := range containers {
			c := c.(map[string]any)
			out[list+"/"+c["name"].(string)] = c
		}
	}
	return out
}

// parse reads documents of YAML by String.
func parse(t *testing.T, data []byte) map[string]object {
	t.Helper()
	out := map[string]object{}
	for doc := range strings.SplitSeq(string(data), "\n---\n") {
		var o object
		if err := yaml.UnmarshalStrict([]byte(doc), &o); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		if o == nil {
			continue
		}
		if out[o.String()] != nil {
			t.Errorf("%s stands there twice", o)
		}
		out[o.String()] = o
	}
	return out
}

func readObjects(t *testing.T, pattern string) map[string]object {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]object{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for key, o := range parse(t, data) {
			if out[key] != nil {
				t.Errorf("%s: %s stands in another file too", name, key)
			}
			out[key] = o
		}
	}
	return out
}

func mustWrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// kustomize builds a folder.
func kustomize(t *testing.T, dir string) map[string]object {
	t.Helper()
	command := exec.Command(needs.Tool(t, "kustomize"), "build", dir)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("kustomize build: %v\n%s", err, &stderr)
	}
	return parse(t, out)
}

// A verdict is what kubeconform says of one file.
type verdict struct {
	Filename, Status, Msg string
}

// kubeconform validates the files of a folder, strictly, and returns those that it does not call valid by name.
func kubeconform(t *testing.T, dir string) (valid int, refused map[string]verdict) {
	t.Helper()
	schemas, err := filepath.Abs(filepath.Join(root, "testdata/kubernetes/schemas"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(needs.Tool(t, "kubeconform"), "-strict", "-output", "json", "-verbose",
		"-schema-location", schemas+"/{{ .ResourceKind }}{{ .KindSuffix }}.json", dir)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, failed := command.Output()
	var report struct{ Resources []verdict }
	if err := json.Unmarshal(out, &report); err != nil || stderr.Len() > 0 {
		t.Fatalf("kubeconform: %v, %v\n%s%s", failed, err, out, &stderr)
	}
	refused = map[string]verdict{}
	for _, v := range report.Resources {
		if v.Status == "statusValid" {
			valid++
			continue
		}
		refused[filepath.Base(v.Filename)] = v
	}
	if (failed != nil) != (len(refused) > 0) {
		t.Errorf("kubeconform: %v, and refuses %d files", failed, len(refused))
	}
	return valid, refused
}

// writeObjects writes one object a file.
func writeObjects(t *testing.T, objects map[string]object) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i, key := range slices.Sorted(maps.Keys(objects)) {
		data, err := yaml.Marshal(objects[key])
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, filepath.Join(dir, fmt.Sprintf("%04d.yaml", i)), data)
	}
	return dir
}

// accepted fails unless the schemas of the API server accept every object.
func accepted(t *testing.T, objects map[string]object) {
	t.Helper()
	valid, refused := kubeconform(t, writeObjects(t, objects))
	for _, v := range refused {
		t.Errorf("%s: %s: %s", v.Filename, v.Status, v.Msg)
	}
	if valid != len(objects) {
		t.Errorf("kubeconform accepted %d of %d objects", valid, len(objects))
	}
}

func TestManifests(t *testing.T) {
	for name, in := range inputs(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			in.write(t, dir)
			for pool, kind := range networkKinds {
				manifests := readObjects(t, filepath.Join(dir, pool, "manifests/*.yaml"))
				if len(manifests) == 0 {
					t.Fatalf("pool %s has no manifests", pool)
				}
				for _, o := range manifests {
					if o["kind"] != kind {
						t.Errorf("pool %s has %s", pool, o)
					}
				}
				if diff := cmp.Diff(manifests, kustomize(t, filepath.Join(dir, pool))); diff != "" {
					t.Errorf("what kustomize builds is not what the manifests say (-manifests +built):\n%s", diff)
				}
				accepted(t, manifests)
			}
		})
	}
}

// An overlay is a user's kustomization of workloads, a tree of avert and its patches.
type overlay struct{ dir string }

func newOverlay(t *testing.T, in input) overlay {
	t.Helper()
	o := overlay{t.TempDir()}
	in.write(t, filepath.Join(o.dir, "avert"))
	for _, name := range in.workloads {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, filepath.Join(o.dir, "base", filepath.Base(name)), data)
	}
	var list strings.Builder
	for _, name := range in.workloads {
		fmt.Fprintf(&list, "- %s\n", filepath.Base(name))
	}
	o.kustomization(t, "base", "resources:\n"+list.String())
	return o
}

func (o overlay) kustomization(t *testing.T, dir, text string) {
	t.Helper()
	mustWrite(t, filepath.Join(o.dir, dir, "kustomization.yaml"), []byte(text))
}

func (o overlay) build(t *testing.T, dir string) map[string]object {
	t.Helper()
	return kustomize(t, filepath.Join(o.dir, dir))
}

// patched builds the workloads with the tree and the patches of a pool, and the same without them.
func (o overlay) patched(t *testing.T, pool string) (before, after map[string]object) {
	t.Helper()
	o.kustomization(t, "user-"+pool, fmt.Sprintf("resources: [../base, ../avert/%s]\ncomponents: [../avert/%s/patches]\n", pool, pool))
	after = o.build(t, "user-"+pool)
	maps.DeleteFunc(after, func(_ string, a object) bool { return a["kind"] == networkKinds[pool] })
	return o.build(t, "base"), after
}

// contexts are the securityContexts that the patches of rich make, by workload and container; all others stay.
var contexts = map[string]map[string]string{
	"Deployment shop/web.a": {
		"initContainers/migrate": `{runAsUser: 1000, capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]},
			appArmorProfile: {type: Localhost, localhostProfile: avert.shop-web_deployment-web.a_migrate}, seccompProfile: {type: Localhost, localhostProfile: avert/shop-web_deployment-web.a_migrate.json}}`,
		"containers/app": `{readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {add: [NET_ADMIN, NET_BIND_SERVICE], drop: [ALL]},
			appArmorProfile: {type: Localhost, localhostProfile: avert.shop-web_deployment-web.a_app}, seccompProfile: {type: Localhost, localhostProfile: avert/shop-web_deployment-web.a_app.json}}`,
	},
	"StatefulSet shop/db": {"containers/db": `{seccompProfile: {type: Localhost, localhostProfile: avert/shop-workers_statefulset-db_db.json}}`},
	"DaemonSet shop/agent": {
		"containers/agent": `{seccompProfile: {type: Localhost, localhostProfile: avert/shop-workers_daemonset-agent_agent.json}}`,
	},
	"Job shop/1": {"containers/import": `{seccompProfile: {type: Localhost, localhostProfile: avert/shop-workers_job-1_import.json}}`},
	"CronJob shop/report": {
		"initContainers/fetch": `{seccompProfile: {type: Localhost, localhostProfile: avert/shop-workers_cronjob-report_fetch.json}}`,
		"containers/report":    `{seccompProfile: {type: Localhost, localhostProfile: avert/shop-workers_cronjob-report_report.json}}`,
	},
	"Pod shop/shell": {"containers/shell": `{seccompProfile: {type: Localhost, localhostProfile: avert/shop-workers_pod-shell_shell.json}}`},
	"Deployment /lonely": {"containers/app": `{capabilities: {add: [], drop: [ALL]},
			appArmorProfile: {type: Localhost, localhostProfile: avert.default-lonely_deployment-lonely_app}}`},
}

// expect sets contexts in the objects.
func expect(t *testing.T, objects map[string]object) map[string]object {
	t.Helper()
	for key, containers := range contexts {
		for name, text := range containers {
			container := objects[key].containers()[name]
			if container == nil {
				t.Fatalf("%s has no %s", key, name)
			}
			var context map[string]any
			if err := yaml.UnmarshalStrict([]byte(text), &context); err != nil {
				t.Fatal(err)
			}
			container["securityContext"] = context
		}
	}
	return objects
}

func TestPatches(t *testing.T) {
	o := newOverlay(t, rich)
	for pool := range networkKinds {
		before, after := o.patched(t, pool)
		if diff := cmp.Diff(expect(t, before), after); diff != "" {
			t.Errorf("pool %s (-want +got):\n%s", pool, diff)
		}
		accepted(t, after)
	}
}

// TestPatchesOfAnyInput: patches change securityContexts alone, and name profiles that
// are in the tree.
func TestPatchesOfAnyInput(t *testing.T) {
	for name, in := range inputs(t) {
		t.Run(name, func(t *testing.T) {
			o := newOverlay(t, in)
			for pool := range networkKinds {
				before, after := o.patched(t, pool)
				if cmp.Equal(before, after) {
					t.Errorf("pool %s: the patches change nothing", pool)
				}
				accepted(t, after)
				for key, a := range after {
					for where, c := range a.containers() {
						context, _ := c["securityContext"].(map[string]any)
						profile, _ := context["seccompProfile"].(map[string]any)
						file, _ := profile["localhostProfile"].(string)
						if file, ours := strings.CutPrefix(file, "avert/"); ours {
							if _, err := os.Stat(filepath.Join(o.dir, "avert", pool, "nodes/seccomp", file)); err != nil {
								t.Errorf("%s %s: %v", key, where, err)
							}
						}
						delete(c, "securityContext")
					}
				}
				for _, b := range before {
					for _, c := range b.containers() {
						delete(c, "securityContext")
					}
				}
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("pool %s: more than securityContexts changed (-before +after):\n%s", pool, diff)
				}
			}
		})
	}
}

// TestOverlays: patches find workloads that kustomize renames or moves to a namespace, before or after.
func TestOverlays(t *testing.T) {
	const component = "components: [../avert/plain/patches]\n"
	for _, tt := range []struct {
		name, base, user string
		workload         string // whose container app must lose its capabilities
	}{
		{"a prefix beside the patches", "", "namePrefix: prod-\n", "Deployment shop/prod-web.a"},
		{"a prefix below the patches", "namePrefix: prod-\n", "", "Deployment shop/prod-web.a"},
		{"a namespace beside the patches", "", "namespace: other\n", "Deployment other/lonely"},
		{"a namespace below the patches", "namespace: other\n", "", "Deployment other/lonely"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOverlay(t, input{rich.policies, rich.workloads[:1]})
			o.kustomization(t, "base", tt.base+"resources: [workloads.yaml]\n")
			o.kustomization(t, "user", tt.user+"resources: [../base]\n"+component)
			w := o.build(t, "user")[tt.workload]
			if w == nil {
				t.Fatalf("no %s", tt.workload)
			}
			context := w.containers()["containers/app"]["securityContext"].(map[string]any)
			if diff := cmp.Diff([]any{"ALL"}, context["capabilities"].(map[string]any)["drop"]); diff != "" {
				t.Errorf("not patched: %s", diff)
			}
		})
	}
}

// TestWorkloadIsGone: kustomize passes over a patch whose target is not there, so that workloads may go before avert runs
// again.
func TestWorkloadIsGone(t *testing.T) {
	o := newOverlay(t, rich)
	o.kustomization(t, "base", "resources: [neighbours.yaml]\n")
	before, after := o.patched(t, "plain")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("neighbours were changed:\n%s", diff)
	}
}

// TestNothingToList: a user's kustomization that names the tree and its patches builds whatever the policies come to.
func TestNothingToList(t *testing.T) {
	o := newOverlay(t, rich)
	files := compile(t, []*diag.File{diag.NewFile("p.yaml", []byte(`
apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: p, namespace: shop}
spec:
  selector: {matchLabels: {app: nobody}}
  syscalls: {default: Allow, rules: [{name: trace, action: Block, names: [ptrace]}]}
`))}, bothPools)
	if _, err := output.Write(filepath.Join(o.dir, "avert"), files, output.Options{Prune: true}); err != nil {
		t.Fatal(err)
	}
	before, after := o.patched(t, "plain")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("workloads were changed:\n%s", diff)
	}
}

// TestKubeconformRefuses shows that acceptance means something: an unknown field anywhere in what was accepted is
// refused, in every kind.
func TestKubeconformRefuses(t *testing.T) {
	o := newOverlay(t, rich)
	broken, kinds := map[string]object{}, map[any]bool{}
	for pool := range networkKinds {
		_, objects := o.patched(t, pool)
		maps.Copy(objects, readObjects(t, filepath.Join(o.dir, "avert", pool, "manifests/*.yaml")))
		for key, a := range objects {
			kinds[a["kind"]] = true
			for i, m := range mappings(map[string]any(a)) {
				m["unknownField"] = map[string]any{}
				data, err := json.Marshal(a)
				if err != nil {
					t.Fatal(err)
				}
				delete(m, "unknownField")
				var copied object
				if err := json.Unmarshal(data, &copied); err != nil {
					t.Fatal(err)
				}
				broken[fmt.Sprintf("%s %s %d", key, pool, i)] = copied
			}
		}
	}
	if len(kinds) != 8 {
		t.Errorf("only %d kinds are there: %v", len(kinds), kinds)
	}
	dir := writeObjects(t, broken)
	valid, refused := kubeconform(t, dir)
	if valid > 0 || len(refused) != len(broken) {
		t.Errorf("%d of %d broken objects were accepted", valid, len(broken))
		for i, key := range slices.Sorted(maps.Keys(broken)) {
			if _, ok := refused[fmt.Sprintf("%04d.yaml", i)]; !ok {
				t.Logf("%s: %v", key, broken[key])
			}
		}
	}
	for _, v := range refused {
		if v.Status != "statusInvalid" {
			t.Errorf("%s: %s: %s", v.Filename, v.Status, v.Msg)
		}
	}
}

// mappings returns v and every mapping in it, in a fixed order.
func mappings(v any) []map[string]any {
	var out []map[string]any
	switch v := v.(type) {
	case map[string]any:
		out = append(out, v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, mappings(v[key])...)
		}
	case []any:
		for _, item := range v {
			out = append(out, mappings(item)...)
		}
	}
	return out
}
