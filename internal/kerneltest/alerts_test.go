// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/internal/kerneltest/wire"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/secil"
	"github.com/avert-dev/avert/internal/vm"
	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/schemas"
)

// page reads the example of docs/alerts.md: a policy, and the alert that comes of it.
var page = sync.OnceValues(func() (example struct{ file, policy, alert string }, err error) {
	text, err := os.ReadFile("../../docs/alerts.md")
	m := regexp.MustCompile("(?s)`(policies/[a-z]+\\.yaml)`.*?```yaml\n(.*?)```.*?```json\n(.*?)\n```").FindSubmatch(text)
	if err == nil && m == nil {
		err = errors.New("docs/alerts.md has no example")
	}
	if err != nil {
		return example, err
	}
	example.file, example.policy, example.alert = string(m[1]), string(m[2]), string(m[3])
	return example, nil
})

// deed is a trial and the alerts that must come of it.
type deed struct {
	trial
	alerts []string
	// stays: the process waits until the alerts are written, and so it is described in them.
	stays bool
}

// tells gives a trial its alerts, each "VERDICT FILE RULE OPERATION ACCESS OBJECT"; a "?" after the rule: it is not certain.
func (t trial) tells(alerts ...string) deed { return deed{trial: t, alerts: alerts} }

// waits: the process waits until the alerts are written.
func (d deed) waits() deed {
	d.stays = true
	return d
}

// silent is a sequence of trials without alerts.
func silent(trials ...trial) (out []deed) {
	for _, t := range trials {
		out = append(out, t.tells())
	}
	return out
}

// steps are those of deeds. The alerts of the last must have come before the end.
func steps(deeds []deed) (out []Step) {
	for i, d := range deeds {
		out = append(out, d.Step)
		if d.stays || i == len(deeds)-1 {
			words := strings.Fields(d.alerts[len(d.alerts)-1])
			out = append(out, Step{Op: wire.Await, Path: fmt.Sprintf(`"rule":%q,"position":{"file":%q,`, strings.TrimSuffix(words[2], "?"), words[1])})
		}
	}
	return out
}

// pageDeeds are what the page tells: a shell that the service started reads its configuration.
func pageDeeds(file string) []deed {
	cat := ok(wire.Become, "/bin/cat")
	cat.Target = "/app/config/db"
	return append(silent(start("/usr/local/bin/node"), ok(wire.Read, "/app/config/db"), ok(wire.Become, "/bin/sh"), cat),
		blocked(wire.Read, "/app/config/db").tells("Block "+file+" file/config open read /app/config/db"))
}

// samePage compares an alert with the page's, but for what differs from one machine to another.
func samePage(t *testing.T, want string, lines []string) {
	t.Helper()
	varies := regexp.MustCompile(`"(time|cgroup)":"[^"]*"|"p?pid":[0-9]+`)
	last := lines[len(lines)-1]
	if diff := cmp.Diff(varies.ReplaceAllString(want, ""), varies.ReplaceAllString(last, "")); diff != "" {
		t.Errorf("docs/alerts.md has another alert (-want +got):\n%s\nIt is\n%s", diff, last)
	}
}

// TestAlerts holds what operators see of policies under AppArmor: avert-node reads what each kernel reports of real processes.
//
//proves:apparmor alerts process/quiet process/audit file/quiet file/audit
func TestAlerts(t *testing.T) {
	t.Parallel()
	example, err := page()
	needs.NoError(t, err)
	vm.Matrix(t, func(t *testing.T, kernel string) {
		files := compilePods(t, kernel, "apparmor", diag.NewFile(example.file, []byte(example.policy)))
		profiles := map[string]emit.File{} // by pod
		for _, f := range files {
			if _, pod, ok := strings.Cut(f.Name, "_pod-"); ok && strings.HasSuffix(pod, "_c") {
				profiles[strings.TrimSuffix(pod, "_c")] = f
			} else if f.Name == "avert.shop-checkout" {
				profiles["no pod"] = f
			}
		}
		config, job := watched(t, vm.Config{Kernel: kernel, LSM: vm.AppArmor}, files)
		var all []deed
		for _, of := range []struct {
			pod   string
			deeds []deed
		}{{"open", openDeeds()}, {"loose", openDeeds()}, {"closed", closedDeeds()}, {"trial", trialDeeds()}, {"no pod", pageDeeds(example.file)}} {
			p := profiles[of.pod]
			job.Cases = append(job.Cases, Case{Profile: p.Name, Blobs: [][]byte{Compile(t, kernel, string(p.Data))}, NoNewPrivs: !pods[of.pod].escalation, Steps: steps(of.deeds)})
			all = append(all, of.deeds...)
		}
		result := run(t, config, job)
		compareAlerts(t, kernel, all, result)
		samePage(t, example.alert, result.Beside)
		if t.Failed() {
			for _, p := range profiles {
				t.Logf("%s", p.Data)
			}
		}
	})
}

// TestAlertsSELinux is the same under SELinux, which sees neither paths nor programs, in a container of runc.
//
//proves:selinux alerts
func TestAlertsSELinux(t *testing.T) {
	t.Parallel()
	toolchain, err := secil.New(t.Context(), secil.Trixie)
	needs.NoError(t, err)
	vm.Matrix(t, func(t *testing.T, kernel string) {
		files := compilePods(t, kernel, "selinux")
		modules, spec := []secil.Module{secil.Base()}, container()
		for _, f := range files {
			switch {
			case f.Sources[0].Name != "typed":
			case strings.HasSuffix(f.Name, ".cil"):
				modules = append(modules, secil.Module{Name: f.Name, Text: f.Data})
			default:
				table, err := ruletable.Decode(f.Data)
				needs.NoError(t, err)
				spec.Process.SelinuxLabel = "system_u:system_r:" + table.Label + ":s0"
			}
		}
		config, job := watched(t, vm.Config{Kernel: kernel, LSM: vm.SELinux}, files)
		job.SELinux, err = toolchain.Compile(t.Context(), modules...)
		needs.NoError(t, err)
		deeds := typedDeeds()
		job.Cases = []Case{{Steps: steps(deeds)}}
		compareAlerts(t, kernel, deeds, runContainer(t, config, spec, job))
		if t.Failed() {
			t.Logf("%s", modules[1].Text)
		}
	})
}

// watched adds what avert-node needs to read the alerts of units. It does not know which rules are quiet where the kernel
// itself is to be silent.
func watched(t *testing.T, config vm.Config, files []emit.File) (vm.Config, wire.Job) {
	t.Helper()
	node, err := nodeProgram()
	needs.NoError(t, err)
	config.Append = "audit_backlog_limit=8192"
	config.Files = append(config.Files, vm.File{Guest: "/bin/avert-node", Data: node, Mode: 0o755})
	for _, f := range files {
		if !strings.HasSuffix(f.Name, ruletable.Extension) {
			continue
		}
		if slices.ContainsFunc(f.Sources, func(p *policy.Policy) bool { return p.Mode == policy.Enforce }) {
			f.Data = bytes.ReplaceAll(f.Data, []byte(`"quiet":true,`), nil)
		}
		config.Files = append(config.Files, vm.File{Guest: "/rules/" + f.Name, Data: f.Data})
	}
	return config, wire.Job{Beside: []string{"/bin/avert-node", "events", "--rules", "/rules", "--node", "n1"}, Ready: "reading the kernel's audit log"}
}

// compareAlerts compares what came of the deeds, and what was written, with what must have come, in order.
func compareAlerts(t *testing.T, kernel string, deeds []deed, result wire.Result) {
	t.Helper()
	var want, got, programs []string
	var stays []bool
	program := ""
	outcomes := slices.Concat(result.Outcomes...)
	for i, d := range deeds {
		if o := outcomes[0]; !d.came(kernel, o) {
			t.Errorf("%s %q %q %v: %v", d.Op, d.Path, d.Target, d.N, o)
		}
		outcomes = outcomes[1:]
		if d.stays || i == len(deeds)-1 || deeds[i+1].Op == wire.Start {
			outcomes = outcomes[1:]
		}
		if d.Op == wire.Start || d.Op == wire.Become && !d.blocked {
			program = d.Path
		}
		if slices.Contains(d.not, kernel) {
			continue
		}
		for _, a := range d.alerts {
			want, programs, stays = append(want, a+" by "+filepath.Base(program)), append(programs, program), append(stays, d.stays)
		}
	}
	schema := eventSchema(t)
	for _, line := range result.Beside {
		if !strings.HasPrefix(line, "{") {
			continue // what avert-node says to the operator
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		var e event.Event
		needs.NoError(t, json.Unmarshal([]byte(line), &e))
		if e.Node != "n1" || e.Time == "" || e.Unit == "" || e.Profile == "" || e.Lost > 0 || e.Process.PID == 0 || e.Section == "" {
			t.Errorf("something is missing: %s", line)
		}
		if i := len(got); i < len(stays) && stays[i] {
			p := e.Process
			if p.State != "running" || string(p.Exe) != programs[i] || !slices.Equal(p.Args, []event.Text{event.Text(programs[i])}) || *p.UID != 0 || p.PPID == 0 || p.Cgroup == "" {
				t.Errorf("the process that waits is not described: %s", line)
			}
		}
		got = append(got, brief(t, &e))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s\n%s", diff, strings.Join(result.Beside, "\n"))
	}
}

// brief writes an alert as deeds have them, and checks that it points to its rule.
func brief(t *testing.T, e *event.Event) string {
	t.Helper()
	words := []string{string(e.Verdict)}
	if e.Policy != nil {
		file := string(e.Position.File)
		text, ok := sources[file]
		if example, _ := page(); !ok {
			text = example.policy
		}
		if line := lineOf(text, string(e.Rule)); e.Position.Line != line {
			t.Errorf("%s stands in line %d of %s: %s", e.Rule, line, file, e.Line())
		}
		if string(e.Policy.Name)+".yaml" != filepath.Base(file) || e.Policy.Namespace != "shop" || e.Policy.Revision == "" {
			t.Errorf("a policy of another file: %s", e.Line())
		}
		rule := string(e.Rule)
		if !e.Certain {
			rule += "?"
		}
		words = append(words, file, rule)
	}
	words = append(words, string(e.Operation))
	if len(e.Access) > 0 {
		words = append(words, strings.Join(e.Access, ","))
	}
	o := e.Object
	for _, text := range []event.Text{o.Path, o.Target, o.Capability, o.Family, o.Class} {
		if text != "" {
			words = append(words, string(text))
		}
	}
	return strings.Join(append(words, "by", string(e.Process.Comm)), " ")
}

// lineOf finds a rule in the text of a policy: a default by its section, a decision of the language by the policy's name.
func lineOf(text, rule string) int {
	section, name, _ := strings.Cut(rule, "/")
	in := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "  ") && line[2] != ' ' {
			in = strings.HasPrefix(line, "  "+section+":")
		}
		if rule == "system/default" && strings.HasPrefix(line, "metadata:") || name == "default" && in && strings.Contains(line, "default:") || in && strings.Contains(line, "{name: "+name+",") ||
			strings.HasPrefix(name, "(") && strings.HasPrefix(line, "metadata:") {
			return i + 1
		}
	}
	return 0
}

// compilePods compiles policies for the pods and returns the node's files.
func compilePods(t *testing.T, kernel, lsm string, more ...*diag.File) (out []emit.File) {
	t.Helper()
	in := compiler.Input{Config: diag.NewFile(".avert.yaml", fmt.Appendf(nil,
		"apiVersion: avert.dev/v1alpha1\nkind: Config\npools: [{name: vm, kernel: %q, lsm: [%s], selinux: {toolchain: %q}, targets: [%s]}]\n", kernel, lsm, "3.8", lsm))}
	in.Files = append(in.Files, more...)
	for name, text := range sources {
		in.Files = append(in.Files, diag.NewFile(name, []byte(text)))
	}
	var b bytes.Buffer
	for name, p := range pods {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop, labels: {app: %s}}\nspec:\n"+
			"  containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: %v}}]\n", name, p.app, p.escalation)
	}
	in.Files = append(in.Files, diag.NewFile("pods.yaml", b.Bytes()))
	// Without `accept`, what is not held exactly is an error.
	result := compiler.Check(in)
	if len(result.Pools) != 1 {
		t.Fatal(result.Findings)
	}
	for _, f := range result.Pools[0].Files {
		if f.Kind == emit.NodeFile {
			out = append(out, f.File)
		}
	}
	return out
}

// nodeProgram builds avert-node, once in a process.
var nodeProgram = sync.OnceValues(func() ([]byte, error) {
	return build("go", "build", "-trimpath", "-o", "OUT", "github.com/avert-dev/avert/cmd/avert-node")
})

func eventSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemas.Read("event")))
	needs.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	needs.NoError(t, c.AddResource("event.json", doc))
	return c.MustCompile("event.json")
}
