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
	"syscall"
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

// The policies of these tests. `beside` is in mode Audit and governs the pods of `open`; the others are alone.
const (
	openPolicy = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: open, namespace: shop}
spec:
  selector: {matchLabels: {app: open}}
  process:
    default: Allow
    rules:
      - {name: miner, action: Block, paths: [/opt/miner]}
      - {name: noise, action: Block, quiet: true, paths: [/opt/noise]}
      - {name: tool, action: Audit, paths: [/bin/tool]}
      - {name: spawned, action: Block, paths: [/opt/spawned], from: {exe: [/bin/sh]}}
  file:
    default: Allow
    rules:
      - {name: secret, action: Block, access: [read], paths: [/secret/**]}
      - {name: hushed, action: Block, quiet: true, access: [read], paths: [/hushed/**]}
      - {name: frozen, action: Block, access: [write, create, delete, rename, link, setattr], paths: [/frozen/**]}
      - {name: watched, action: Audit, access: [read], paths: [/watched/**]}
      - {name: config, action: Block, access: [read], paths: [/config/**], from: {ancestor: [/bin/sh]}}
      - {name: history, action: Block, access: [read], paths: [/history/**], from: {exe: [/bin/sh]}}
  network:
    default: Allow
    rules:
      - {name: packets, action: Block, families: [packet]}
      - {name: netlink, action: Block, quiet: true, families: [netlink]}
  capabilities:
    default: Block
    rules:
      - {name: usual, action: Allow, names: [NET_BIND_SERVICE]}
      - {name: chroot, action: Audit, names: [SYS_CHROOT]}
      - {name: clock, action: Block, quiet: true, names: [SYS_TIME]}
  system:
    rules:
      - {name: mounts, action: Block, operations: [mount]}
      - {name: others, action: Block, operations: [ptrace, signal]}
`
	beside = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: beside, namespace: shop}
spec:
  selector: {matchLabels: {app: open}}
  mode: Audit
  file:
    default: Allow
    rules:
      - {name: spool, action: Block, access: [write], paths: [/spool/**]}
      - {name: secret, action: Block, access: [read], paths: [/secret/**]}
      - {name: silent, action: Block, quiet: true, access: [read], paths: [/spool/**]}
`
	closedPolicy = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: closed, namespace: shop}
spec:
  selector: {matchLabels: {app: closed}}
  process:
    default: Block
    rules:
      - {name: programs, action: Allow, paths: [/bin/entry, /bin/a, /bin/b]}
  file:
    default: Block
    rules:
      - {name: programs, action: Allow, access: [read, map], paths: [/bin/**]}
      - {name: mine, action: Allow, access: [read], paths: [/data/a], from: {exe: [/bin/a]}}
      - {name: told, action: Audit, access: [read], paths: [/told/**]}
  capabilities:
    default: Block
    rules:
      - {name: raw, action: Allow, names: [NET_RAW], from: {exe: [/bin/a]}}
`
	trialPolicy = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: trial, namespace: shop}
spec:
  selector: {matchLabels: {app: trial}}
  mode: Audit
  process:
    default: Block
    rules:
      - {name: programs, action: Allow, paths: [/bin/entry, /bin/a]}
      - {name: miner, action: Block, paths: [/opt/miner]}
  file:
    default: Block
    rules:
      - {name: programs, action: Allow, access: [read, map], paths: [/bin/**, /opt/**]}
      - {name: secret, action: Block, access: [read], paths: [/secret/**]}
      - {name: hushed, action: Block, quiet: true, access: [read], paths: [/hushed/**]}
  capabilities:
    default: Block
    rules:
      - {name: usual, action: Allow, names: [NET_BIND_SERVICE]}
`
	typedPolicy = `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: typed, namespace: shop}
spec:
  selector: {matchLabels: {app: typed}}
  network:
    default: Allow
    rules:
      - {name: packets, action: Block, families: [packet]}
      - {name: netlink, action: Block, quiet: true, families: [netlink]}
      - {name: datagrams, action: Audit, families: [unix], types: [dgram, raw]}
  capabilities:
    default: Block
    rules:
      - {name: usual, action: Allow, names: [NET_BIND_SERVICE]}
      - {name: chroot, action: Audit, names: [SYS_CHROOT]}
      - {name: clock, action: Block, quiet: true, names: [SYS_TIME]}
  system:
    rules:
      - {name: users, action: Block, operations: [userns]}
      - {name: mounts, action: Block, operations: [mount]}
`
)

// sources are the policies by the names of their files.
var sources = map[string]string{"beside.yaml": beside, "closed.yaml": closedPolicy, "open.yaml": openPolicy, "trial.yaml": trialPolicy, "typed.yaml": typedPolicy}

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

// pods are by name: the policies' label and whether processes may gain privileges.
var pods = map[string]struct {
	app        string
	escalation bool
}{"open": {"open", false}, "loose": {"open", true}, "closed": {"closed", false}, "trial": {"trial", false}, "typed": {"typed", false}}

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
//proves:apparmor alerts
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

// openDeeds are under the policy `open`, beside which another is in mode Audit.
func openDeeds() []deed {
	return slices.Concat(
		silent(start(entry), ok(wire.Read, "/free/x"), ok(wire.Create, "/free/y"), ok(wire.Spawn, "/bin/a"), ok(wire.Spawn, "/opt/spawned"),
			ok(wire.Read, "/config/x"), ok(wire.Read, "/history/x"), number(wire.Capability, "", capNetBind), number(wire.Socket, "", afInet, stream)),
		[]deed{
			blocked(wire.Read, "/secret/x").tells("Block open.yaml file/secret open read /secret/x", "WouldBlock beside.yaml file/secret open read /secret/x").waits(),
			blocked(wire.Write, "/frozen/x").tells("Block open.yaml file/frozen open write /frozen/x"),
			blocked(wire.Create, "/frozen/y").tells("Block open.yaml file/frozen mknod create /frozen/y"),
			blocked(wire.Mkdir, "/frozen/d").tells("Block open.yaml file/frozen mkdir create /frozen/d"),
			blocked(wire.Unlink, "/frozen/x").tells("Block open.yaml file/frozen unlink delete /frozen/x"),
			blocked(wire.Rename, "/frozen/x", "/free/z").tells("Block open.yaml file/frozen rename_src rename /frozen/x"),
			blocked(wire.Chmod, "/frozen/x").tells("Block open.yaml file/frozen chmod chmod /frozen/x"),
			ok(wire.Read, "/watched/x").tells("Audit open.yaml file/watched open read /watched/x"),
			ok(wire.Write, "/spool/x").tells("WouldBlock beside.yaml file/spool open write /spool/x"),
			ok(wire.Create, "/spool/y").tells("WouldBlock beside.yaml file/spool open write,create /spool/y"), // it is opened for writing
			blocked(wire.Spawn, "/opt/miner").tells("Block open.yaml process/miner exec /opt/miner"),
			ok(wire.Spawn, "/bin/tool").tells("Audit open.yaml process/tool exec /bin/tool"),
			number(wire.Socket, "", afPacket, raw).block(syscall.EACCES).tells("Block open.yaml network/packets create packet"),
			number(wire.Capability, "", 21).block(syscall.EPERM).tells("Block open.yaml capabilities/default capable SYS_ADMIN"),
			number(wire.Capability, "", 18).tells("Audit open.yaml capabilities/chroot capable SYS_CHROOT"),
			ok(wire.Mount, "/m").block(syscall.EACCES).tells("Block open.yaml system/mounts mount /m", "WouldBlock beside.yaml system/default mount /m"),
			number(wire.Ptrace, wire.Outside).block(syscall.EACCES).tells("Block open.yaml system/others ptrace unconfined", "WouldBlock beside.yaml system/default ptrace unconfined"),
			number(wire.Signal, wire.Outside, 0, 18).block(syscall.EACCES).tells("Block open.yaml system/others signal unconfined", "WouldBlock beside.yaml system/default signal unconfined"),
		},
		silent(blocked(wire.Read, "/hushed/x"), blocked(wire.Spawn, "/opt/noise"), number(wire.Socket, "", afNetlink, raw).block(syscall.EACCES),
			number(wire.Capability, "", capSysTime).block(syscall.EPERM), ok(wire.Read, "/spool/x"), ok(wire.Become, "/bin/sh"), ok(wire.Read, "/config/x")),
		[]deed{
			blocked(wire.Spawn, "/opt/spawned").tells("Block open.yaml process/spawned exec /opt/spawned"),
			blocked(wire.Read, "/history/x").tells("Block open.yaml file/history open read /history/x").waits(),
			blocked(wire.Read, "/secret/y").tells("Block open.yaml file/secret open read /secret/y", "WouldBlock beside.yaml file/secret open read /secret/y"),
			number(wire.Capability, "", 17).block(syscall.EPERM).tells("Block open.yaml capabilities/default capable SYS_RAWIO"),
			ok(wire.Become, "/bin/b").tells(),
			ok(wire.Read, "/history/x").tells(),
			blocked(wire.Read, "/config/x").tells("Block open.yaml file/config open read /config/x"),
		})
}

// closedDeeds are under the policy `closed`.
func closedDeeds() []deed {
	return slices.Concat(silent(start(entry), ok(wire.Read, "/bin/x"), ok(wire.Spawn, "/bin/b")), []deed{
		blocked(wire.Read, "/data/b").tells("Block closed.yaml file/default open read /data/b"),
		ok(wire.Read, "/told/x").tells("Audit closed.yaml file/told open read /told/x"),
		blocked(wire.Spawn, "/bin/other").tells("Block closed.yaml process/default exec /bin/other"),
		ok(wire.Spawn, wire.LoaderPath).block(syscall.EACCES).tells("Block closed.yaml process/(loader) exec " + wire.LoaderPath),
		ok(wire.Become, "/bin/a").tells(),
		ok(wire.Read, "/data/a").tells(),
		number(wire.Capability, "", capNetRaw).tells(),
		// Both profiles of the stack refuse these.
		blocked(wire.Read, "/data/b").tells("Block closed.yaml file/default open read /data/b").waits(),
		number(wire.Capability, "", capSysTime).block(syscall.EPERM).tells("Block closed.yaml capabilities/default capable SYS_TIME"),
		blocked(wire.Create, "/data/new").tells("Block closed.yaml file/default mknod create /data/new"),
		ok(wire.Read, "/told/x").tells("Audit closed.yaml file/told open read /told/x"),
		ok(wire.Become, "/bin/b").tells(),
		// And one of them these.
		number(wire.Capability, "", capNetRaw).block(syscall.EPERM).tells("Block closed.yaml capabilities/default capable NET_RAW"),
		blocked(wire.Read, "/data/a").tells("Block closed.yaml file/default open read /data/a"),
	})
}

// trialDeeds are under the policy `trial`, which is alone and in mode Audit.
func trialDeeds() []deed {
	return slices.Concat(silent(start(entry), ok(wire.Read, "/bin/x"), ok(wire.Spawn, "/bin/a"), number(wire.Capability, "", capNetBind), ok(wire.Read, "/hushed/x")), []deed{
		ok(wire.Read, "/secret/x").tells("WouldBlock trial.yaml file/secret open read /secret/x").waits(),
		ok(wire.Read, "/etc/x").tells("WouldBlock trial.yaml file/default open read /etc/x"),
		// The kernel asks twice, and goes on.
		ok(wire.Create, "/etc/y").tells("WouldBlock trial.yaml file/default mknod create /etc/y", "WouldBlock trial.yaml file/default open write,create /etc/y"),
		ok(wire.Spawn, "/opt/miner").tells("WouldBlock trial.yaml process/miner exec /opt/miner"),
		ok(wire.Spawn, "/bin/other").tells("WouldBlock trial.yaml process/default exec /bin/other"),
		number(wire.Capability, "", 18).tells("WouldBlock trial.yaml capabilities/default capable SYS_CHROOT"),
		// What runtimes refuse stays refused, silently as theirs.
		ok(wire.Write, "/proc/sysrq-trigger").block(syscall.EACCES).tells(),
		ok(wire.Read, "/etc/last").tells("WouldBlock trial.yaml file/default open read /etc/last"),
	})
}

// typedDeeds are under the policy `typed`.
func typedDeeds() []deed {
	return slices.Concat(
		silent(start(node), number(wire.Capability, "", capNetBind), number(wire.Socket, "", afInet, stream), number(wire.Socket, "", afUnix, stream), ok(wire.Create, "/tmp/x")),
		[]deed{
			number(wire.Socket, "", afPacket, raw).block(syscall.EACCES).tells("Block typed.yaml network/packets create packet packet_socket").waits(),
			number(wire.Socket, "", afUnix, datagram).tells("Audit typed.yaml network/datagrams create unix unix_dgram_socket"),
			number(wire.Capability, "", 21).block(syscall.EPERM).tells("Block typed.yaml capabilities/default sys_admin SYS_ADMIN capability"),
			number(wire.Capability, "", 18).tells("Audit typed.yaml capabilities/chroot sys_chroot SYS_CHROOT capability"),
			number(wire.Capability, "", 35).block(syscall.EPERM).tells("Block typed.yaml capabilities/default wake_alarm WAKE_ALARM capability2"),
			number(wire.UserNS, "").block(syscall.EACCES).except("5.10").tells("Block typed.yaml system/users create user_namespace"),
			ok(wire.Mount, "/m").block(syscall.EACCES).tells("Block typed.yaml system/mounts mounton /m dir"),
		},
		silent(number(wire.Socket, "", afNetlink, raw).block(syscall.EACCES), number(wire.Capability, "", capSysTime).block(syscall.EPERM), ok(wire.Read, "/tmp/x")),
		[]deed{number(wire.Socket, "", afPacket, datagram).block(syscall.EACCES).tells("Block typed.yaml network/packets create packet packet_socket")})
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
