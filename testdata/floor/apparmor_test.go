// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/internal/apparmorbin"
)

// appArmorKernel is the newest kernel whose AppArmor the tests know.
const appArmorKernel = "6.19"

// permissive are policies that block nothing, or nothing that the floor is about, so that only the floor can deny.
var permissive = map[string]struct {
	spec              string
	audit, escalation bool
}{
	"all allowed": {spec: allAllowed},
	"mode Audit":  {spec: blocksAll, audit: true},
	"mode Audit without no_new_privs": {
		spec: blocksAll, audit: true, escalation: true},
	"one capability blocked": {spec: "capabilities: {default: Allow, rules: [{name: x, action: Block, names: [SYS_TIME]}]}"},
	"files and programs allowed by rules": {spec: `
file: {default: Block, rules: [{name: all, action: Allow, access: [read, write, create, delete, rename, link, setattr, map], paths: ["/**", "/"]}]}
process: {default: Block, rules: [{name: all, action: Allow, paths: ["/**"]}]}`},
	"domains under no_new_privs": {spec: lineages},
	"domains that replace":       {spec: lineages, escalation: true},
}

const (
	allAllowed = `
system: {rules: [{name: all, action: Allow, operations: [mount, ptrace, signal, userns, bpf, module, io_uring]}]}
capabilities: {default: Allow}
file: {default: Allow}
process: {default: Allow}`
	blocksAll = `
capabilities: {default: Block}
file: {default: Block}
process: {default: Block}`
	lineages = `
file: {default: Allow, rules: [{name: x, action: Block, access: [read], paths: [/x], from: {exe: [/bin/a]}}]}
process: {default: Allow, rules: [{name: x, action: Block, paths: [/bin/x], from: {ancestor: [/bin/a]}}]}
system: {rules: [{name: all, action: Allow, operations: [mount, ptrace, signal]}]}`
)

// generated compiles a policy to its AppArmor profiles.
func generated(t *testing.T, spec string, audit, escalation bool) string {
	t.Helper()
	mode := "Enforce"
	if audit {
		mode = "Audit"
	}
	text := fmt.Sprintf("apiVersion: avert.dev/v1alpha1\nkind: RuntimePolicy\nmetadata: {name: p, namespace: n}\nspec:\n  selector: {matchLabels: {app: a}}\n  mode: %s\n  %s\n"+
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n, labels: {app: a}}\nspec:\n  containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: %v}}]\n",
		mode, strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  "), escalation)
	result := compiler.Check(compiler.Input{Files: []*diag.File{diag.NewFile("p.yaml", []byte(text))}, Targets: []string{"apparmor"}})
	for _, pool := range result.Pools {
		for _, f := range pool.Files {
			if strings.HasPrefix(f.Name, "avert.") {
				return string(f.Data)
			}
		}
	}
	t.Fatalf("no profile: %v\n%s", result.Findings, text)
	return ""
}

// readProfiles compiles profiles. What the parser warns of is looked at elsewhere.
func readProfiles(t *testing.T, parser apparmorbin.Parser, text string) []*apparmorbin.Profile {
	t.Helper()
	policy, messages, err := parser.Policy(text)
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, messages, text)
	}
	profiles, err := apparmorbin.Load(policy)
	if err != nil {
		t.Fatal(err)
	}
	return profiles
}

// templates are the default profiles of all versions of runtimes, each once, as profiles of one policy.
func templates(t *testing.T, parser apparmorbin.Parser) []*apparmorbin.Profile {
	t.Helper()
	texts := map[string]bool{}
	var out []*apparmorbin.Profile
	for _, source := range Sources() {
		for _, version := range source.Versions {
			text, err := AppArmor(source, version, "NAME", "containerd")
			if err != nil {
				t.Fatal(err)
			}
			if texts[text] {
				continue
			}
			texts[text] = true
			out = append(out, readProfiles(t, parser, strings.ReplaceAll(text, "NAME", source.Runtime+"-"+version))...)
		}
	}
	return out
}

// denies says whether a profile denies something. Complain form denies what a rule denies in so many words, of which quiet is the mark.
func denies(p *apparmorbin.Profile, perms apparmorbin.Perms, asked apparmorbin.Mask) bool {
	if p.Mode == apparmorbin.Complain {
		return perms.Quiet&asked != 0
	}
	return !perms.Has(asked)
}

// filePermissions are all that a rule about files can deny.
var filePermissions = map[string]apparmorbin.Mask{
	"read": apparmorbin.Read, "write": apparmorbin.Write, "append": apparmorbin.Append, "create": apparmorbin.Create, "delete": apparmorbin.Delete,
	"chmod": apparmorbin.Chmod, "chown": apparmorbin.Chown, "link": apparmorbin.Link, "lock": apparmorbin.Lock, "map": apparmorbin.Map, "exec": apparmorbin.Exec,
}

// TestAppArmorFloor: what the default profiles of the runtimes deny, every generated profile denies too, whatever its policy allows, and
// in mode Audit. A profile that is only ever stacked on the first of its unit needs no floor of its own.
//
//proves:apparmor floor
func TestAppArmorFloor(t *testing.T) {
	parser := apparmorbin.NewParser(t, appArmorKernel)
	defaults := templates(t, parser)
	for name, c := range permissive {
		t.Run(name, func(t *testing.T) {
			profiles := readProfiles(t, parser, generated(t, c.spec, c.audit, c.escalation))
			if !c.escalation {
				profiles = profiles[:1]
			} else if !c.audit && len(profiles) < 2 {
				t.Fatal("there is one domain")
			}
			for _, p := range profiles {
				floor := comparison{t: t, ours: p}
				for _, d := range defaults {
					floor.files(d)
					floor.others(d)
				}
				if floor.denied == 0 {
					t.Error("nothing was denied")
				}
				t.Logf("%s: %d denials of %d profiles compared", p.Name, floor.denied, len(defaults))
			}
		})
	}
}

// comparison looks for what a default profile denies and ours does not.
type comparison struct {
	t      *testing.T
	ours   *apparmorbin.Profile
	denied int
}

func (c *comparison) same(by *apparmorbin.Profile, theirs, ours apparmorbin.Perms, asked apparmorbin.Mask, what string, args ...any) {
	if !denies(by, theirs, asked) {
		return
	}
	c.denied++
	if !denies(c.ours, ours, asked) {
		c.t.Errorf("%s denies %s, and %s does not", by.Name, fmt.Sprintf(what, args...), c.ours.Name)
	}
}

// files compares over paths of up to four components, and what files and directories there are.
func (c *comparison) files(d *apparmorbin.Profile) {
	for path := range procAndSys {
		theirs, ours := d.File(path, true), c.ours.File(path, true)
		for name, asked := range filePermissions {
			c.same(d, theirs, ours, asked, "%s of %s", name, path)
		}
	}
}

// procAndSys goes through paths near everything that the profiles tell apart. Directories end in a slash.
func procAndSys(yield func(string) bool) {
	words := strings.Fields(`0 1 9 12 123 1234 12345 1x a ab abc abcd s sy sys sysx self thread-self bus irq acpi fs scsi mem kmem kcore kmsg sysrq-trigger
		timer_list net x1 xx1 x.y -`)
	kernel := strings.Fields("a ab abc s sh shm shmmax shm_rmid_forced sxm hostname random core_pattern keys sem msgmax axm abm xh")
	sys := strings.Fields("f fs fx class devices kernel module power firmware fsx c cg cgroup cgx cgr bpf selinux pstore cx virtual powercap security mm debug x")
	deeper := []string{"", "/x", "/x/y", "/maxkeys/z/k"}
	folders := map[string][]string{"/proc": words, "/proc/sys": strings.Fields("k kernel kern vm net fs debug x"), "/proc/sys/kernel": kernel, "/sys": sys, "/sys/fs": sys, "/sys/kernel": sys, "/sys/devices": sys, "/sys/devices/virtual": sys}
	for _, word := range words {
		folders["/proc/"+word] = words
	}
	for folder, names := range folders {
		for _, name := range names {
			for _, below := range deeper {
				for _, end := range []string{"", "/"} {
					if !yield(folder + "/" + name + below + end) {
						return
					}
				}
			}
		}
	}
}

// strangers are labels of processes that are neither of the container nor of what manages it. Our profiles know several managers.
var strangers = []string{"avert.other", "avert.n-", "cri-containerd.apparmor.d", "crio-default", "docker-default", "/usr/sbin/cupsd", "x"}

// others compares mounts, signals, ptrace and capabilities. Complain form refuses of these only mounts: a signal or a trace that nothing names cannot be denied
// without a rule that names it.
func (c *comparison) others(d *apparmorbin.Profile) {
	for _, target := range []string{"/", "/proc/", "/mnt/x/"} {
		for _, fstype := range []string{"", "tmpfs", "proc", "overlay"} {
			for bit := range 33 {
				var flags uint32
				if bit < 32 {
					flags = 1 << bit
				}
				call := apparmorbin.MountCall{Target: target, Source: "/dev/x", Type: fstype, Flags: flags}
				c.same(d, d.Mount(call), c.ours.Mount(call), apparmorbin.Mount, "mount %+v", call)
			}
		}
		c.same(d, d.Umount(target), c.ours.Umount(target), apparmorbin.Umount, "umount %s", target)
		c.same(d, d.PivotRoot(target, "/old/"), c.ours.PivotRoot(target, "/old/"), apparmorbin.Pivot, "pivot_root %s", target)
	}
	if c.ours.Mode == apparmorbin.Complain {
		return
	}
	for _, peer := range strangers {
		for signal := range byte(65) {
			for _, asked := range []apparmorbin.Mask{apparmorbin.Send, apparmorbin.Receive} {
				c.same(d, d.Signal(signal, peer), c.ours.Signal(signal, peer), asked, "signal %d (%d) of %s", signal, asked, peer)
			}
		}
		for _, asked := range []apparmorbin.Mask{apparmorbin.Trace, apparmorbin.TraceRead, apparmorbin.BeTraced, apparmorbin.BeTraceRead} {
			c.same(d, d.Ptrace(peer), c.ours.Ptrace(peer), asked, "ptrace (%d) of %s", asked, peer)
		}
	}
	for n := range 41 {
		if theirs, _, _ := d.Capability(n); !theirs {
			c.t.Errorf("%s denies capability %d: compare it", d.Name, n)
		}
	}
}

// TestAppArmorFloorAnyPath is the same for paths that nobody thought of.
//
//proves:apparmor floor
func TestAppArmorFloorAnyPath(t *testing.T) {
	parser := apparmorbin.NewParser(t, appArmorKernel)
	defaults := templates(t, parser)
	var ours []*apparmorbin.Profile
	for _, name := range []string{"all allowed", "mode Audit"} {
		c := permissive[name]
		ours = append(ours, readProfiles(t, parser, generated(t, c.spec, c.audit, c.escalation))[0])
	}
	piece := rapid.SampledFrom(slices.Concat(strings.Split("abcdfghiklmnrsuvy0159._-", ""), []string{"/", "/", "/", "sys", "kernel", "fs", "cgroup", "shm", "\xff", "\n"}))
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SampledFrom([]string{"/proc/", "/proc/sys/", "/proc/sys/kernel/", "/sys/", "/sys/fs/"}).Draw(t, "folder") +
			strings.Join(rapid.SliceOfN(piece, 1, 12).Draw(t, "pieces"), "")
		for strings.Contains(path, "//") {
			path = strings.ReplaceAll(path, "//", "/")
		}
		for _, d := range defaults {
			for _, o := range ours {
				for name, asked := range filePermissions {
					if denies(d, d.File(path, true), asked) && !denies(o, o.File(path, true), asked) {
						t.Fatalf("%s denies %s of %q, and %s does not", d.Name, name, path, o.Name)
					}
				}
			}
		}
	})
}
