// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"slices"
	"syscall"
	"testing"

	"github.com/avert-dev/avert/compiler/emit/apparmor"
	"github.com/avert-dev/avert/internal/kerneltest/wire"
	"github.com/avert-dev/avert/internal/vm"
)

// TestAppArmor holds what policies mean under AppArmor on each kernel. Where a lowering admits that the kernel lets more
// pass, that is held too.
func TestAppArmor(t *testing.T) {
	t.Parallel()
	vm.Matrix(t, func(t *testing.T, kernel string) {
		enforce(t, kernel, slices.Concat(files(), executions(), others(), modes()))
	})
}

const entry = "/bin/entry"

// accesses are all operations upon a path below a folder; op tells them apart.
func accesses(in string) map[wire.Op]trial {
	out := map[wire.Op]trial{}
	for _, op := range []wire.Op{wire.Read, wire.List, wire.Write, wire.Append, wire.Truncate, wire.Create, wire.Mkdir, wire.Mknod, wire.Symlink,
		wire.Unlink, wire.Rmdir, wire.Chmod, wire.Chown, wire.Times, wire.Xattr, wire.Map, wire.Mprotect} {
		target := ""
		if op == wire.Symlink {
			target = "nowhere"
		}
		out[op] = ok(op, in+"/x", target)
	}
	for _, op := range []wire.Op{wire.Rename, wire.Exchange, wire.Link} {
		out[op] = ok(op, in+"/x", in+"/y")
	}
	return out
}

// only says that of all operations below a folder exactly these are blocked.
func only(in string, denied ...wire.Op) []trial {
	var out []trial
	all := accesses(in)
	for _, op := range slices.Sorted(func(yield func(wire.Op) bool) {
		for op := range all {
			if !yield(op) {
				return
			}
		}
	}) {
		trial := all[op]
		if slices.Contains(denied, op) {
			trial = trial.block(syscall.EACCES)
		}
		out = append(out, trial)
	}
	return out
}

// but is every operation except these.
func but(allowed ...wire.Op) []wire.Op {
	var out []wire.Op
	for op := range accesses("/") {
		if !slices.Contains(allowed, op) {
			out = append(out, op)
		}
	}
	return out
}

func files() []scenario {
	changes := []wire.Op{wire.Write, wire.Append, wire.Truncate, wire.Create, wire.Mkdir, wire.Mknod, wire.Symlink, wire.Unlink, wire.Rmdir,
		wire.Rename, wire.Exchange, wire.Link, wire.Chmod, wire.Chown}
	return []scenario{
		{
			//proves:apparmor file/block file/read file/map file/change file/directories file/below
			name: "accesses blocked by rules",
			spec: `
file:
  default: Allow
  rules:
    - {name: frozen, action: Block, access: [write, create, delete, rename, link, setattr], paths: [/frozen/**]}
    - {name: secret, action: Block, access: [read], paths: [/secret/**]}
    - {name: data, action: Block, access: [map], paths: [/data/**]}
    - {name: times, action: Block, access: [times, xattr], paths: [/times/**]}`,
			reasons: []string{apparmor.ReasonUnmediated, apparmor.ReasonCarry},
			trials: slices.Concat([]trial{start(entry)},
				only("/free"),
				only("/frozen", changes...),
				// A rename needs read at the old name.
				only("/secret", wire.Read, wire.List, wire.Map, wire.Mprotect, wire.Rename, wire.Exchange),
				only("/data", wire.Map, wire.Mprotect),
				only("/times"),
				[]trial{
					ok(wire.Map, "/free/x"), ok(wire.MapAnonymous, ""),
					blocked(wire.Map, "/data/x"),
					// The folder itself is not below it.
					ok(wire.List, "/secret"), ok(wire.Chmod, "/frozen"), ok(wire.Mkdir, "/frozen"),
					blocked(wire.List, "/secret/a/b"), blocked(wire.Read, "/secret/.a/.b"), blocked(wire.Mkdir, "/frozen/a/b"),
					// Into and out of.
					blocked(wire.Rename, "/free/x", "/frozen/x"), blocked(wire.Rename, "/frozen/x", "/free/x"), blocked(wire.Exchange, "/free/x", "/frozen/x"),
					blocked(wire.Link, "/free/x", "/frozen/x"), blocked(wire.Link, "/frozen/x", "/free/x"),
					// Through a symbolic link, and another name of the folder.
					blocked(wire.Read, "/free/link").with(File{Path: "/free/link", Kind: wire.Symlinked, Text: "../secret/x"}, File{Path: "/secret/x", Kind: wire.Regular}),
					blocked(wire.Read, "/free/../free/./dir/x").with(File{Path: "/free/dir", Kind: wire.Symlinked, Text: "/secret"}, File{Path: "/secret/x", Kind: wire.Regular}),
					ok(wire.Read, "/free/x").with(File{Path: "/free/x", Kind: wire.Symlinked, Text: "/free/y"}, File{Path: "/free/y", Kind: wire.Regular}),
					// A folder above can be renamed: the lowering says so.
					ok(wire.Rename, "/secret", "/moved").with(File{Path: "/secret/x", Kind: wire.Regular}, File{Path: "/moved", Kind: wire.Absent}),
					ok(wire.Read, "/moved/x").with(File{Path: "/moved/x", Kind: wire.Regular}),
				}),
		},
		{
			//proves:apparmor file/default-block file/allow file/below file/star
			name: "accesses allowed by rules",
			spec: `
file:
  default: Block
  rules:
    - {name: read, action: Allow, access: [read], paths: [/read/**]}
    - {name: work, action: Allow, access: [read, write, create, delete, rename, link, setattr], paths: [/work/**]}
    - {name: lib, action: Allow, access: [read, map], paths: ["/lib/*.so"]}`,
			reasons: []string{apparmor.ReasonUnmediated, apparmor.ReasonCarry},
			trials: slices.Concat([]trial{start(entry)},
				only("/other", but(wire.Times, wire.Xattr)...),
				only("/read", but(wire.Read, wire.List, wire.Times, wire.Xattr)...),
				only("/work", wire.Map, wire.Mprotect),
				[]trial{
					ok(wire.Map, "/lib/x.so"), ok(wire.Mprotect, "/lib/x.so"), blocked(wire.Write, "/lib/x.so"), blocked(wire.Read, "/lib/x"),
					// The start of a program is judged by process alone.
					ok(wire.Spawn, "/bin/a"), ok(wire.Become, "/bin/a"), blocked(wire.Read, "/bin/a"),
					blocked(wire.Rename, "/work/x", "/other/x"), blocked(wire.Rename, "/other/x", "/work/x"), blocked(wire.Link, "/other/x", "/work/x"),
					blocked(wire.List, "/"), blocked(wire.List, "/work"),
				}),
		},
		{
			//proves:apparmor file/star file/below file/deep file/class file/braces file/names file/directories
			name: "globs",
			spec: `
file:
  default: Allow
  rules:
    - {name: deep, action: Block, access: [read], paths: [/a/**/b, "/one/*", "/q/f?", "/class/[a-c]x", "/not/[!a]x", "/{x,y/z}/f", '/star/\*', "/all/**", "/end*"]}
    - {name: named, action: Block, access: [read], names: [named]}`,
			trials: []trial{
				start(entry),
				blocked(wire.Read, "/a/b"), blocked(wire.Read, "/a/x/b"), blocked(wire.Read, "/a/x/y/b"), ok(wire.Read, "/a/xb"), ok(wire.Read, "/ab"), ok(wire.Read, "/a/b/c"),
				blocked(wire.List, "/a/b"), blocked(wire.List, "/a/x/y/b"), ok(wire.List, "/a/bb"),
				blocked(wire.Read, "/one/x"), blocked(wire.List, "/one/.x"), ok(wire.List, "/one"), ok(wire.Read, "/one/x/y"), ok(wire.List, "/one/x/y"),
				blocked(wire.Read, "/q/fx"), ok(wire.Read, "/q/f"), ok(wire.Read, "/q/fxx"), ok(wire.List, "/q/f"), ok(wire.Read, "/q/f/"[:4]), blocked(wire.List, "/q/fx"),
				blocked(wire.Read, "/class/bx"), ok(wire.Read, "/class/dx"), blocked(wire.List, "/class/cx"),
				blocked(wire.Read, "/not/bx"), ok(wire.Read, "/not/ax"), ok(wire.Read, "/not/x"), blocked(wire.Read, "/not/\xffx"), blocked(wire.Read, "/not/\nx"),
				blocked(wire.Read, "/x/f"), blocked(wire.Read, "/y/z/f"), ok(wire.Read, "/y/f"),
				blocked(wire.Read, "/star/*"), ok(wire.Read, "/star/x"),
				blocked(wire.List, "/all/d"), ok(wire.List, "/all"), blocked(wire.Read, "/all/d/d"),
				blocked(wire.Read, "/end"), blocked(wire.Read, "/ending"), ok(wire.Read, "/end/x"), blocked(wire.List, "/ending"), ok(wire.List, "/ending/x"),
				blocked(wire.Read, "/named"), blocked(wire.Read, "/u/v/named"), blocked(wire.List, "/u/named"), ok(wire.Read, "/u/unnamed"), ok(wire.Read, "/named.x"),
				ok(wire.Read, "/u/named/x").with(File{Path: "/u/named/x", Kind: wire.Regular}),
			},
		},
		{
			//proves:apparmor file/directories file/change
			name: "folders renamed, removed and made",
			spec: `
file:
  default: Allow
  rules:
    - {name: fixed, action: Block, access: [write, create, delete, rename, link, setattr], paths: [/srv/fixed, "/srv/*/inner"]}`,
			trials: []trial{
				start(entry),
				blocked(wire.Rename, "/srv/fixed", "/srv/x").with(File{Path: "/srv/fixed", Kind: wire.Dir}, File{Path: "/srv/x", Kind: wire.Absent}),
				blocked(wire.Rename, "/srv/x", "/srv/fixed").with(File{Path: "/srv/x", Kind: wire.Dir}, File{Path: "/srv/fixed", Kind: wire.Absent}),
				blocked(wire.Rename, "/srv/x", "/srv/fixed").with(File{Path: "/srv/x", Kind: wire.Dir}, File{Path: "/srv/fixed", Kind: wire.Dir}),
				blocked(wire.Exchange, "/srv/x", "/srv/fixed").with(File{Path: "/srv/x", Kind: wire.Dir}, File{Path: "/srv/fixed", Kind: wire.Dir}),
				ok(wire.Rename, "/srv/x", "/srv/y").with(File{Path: "/srv/x/z", Kind: wire.Dir}, File{Path: "/srv/y", Kind: wire.Absent}),
				blocked(wire.Mkdir, "/srv/fixed"), blocked(wire.Rmdir, "/srv/fixed"), blocked(wire.Chmod, "/srv/fixed").with(File{Path: "/srv/fixed", Kind: wire.Dir}),
				blocked(wire.Chown, "/srv/fixed").with(File{Path: "/srv/fixed", Kind: wire.Dir}), blocked(wire.Mkdir, "/srv/a/inner"), blocked(wire.Rmdir, "/srv/a/inner"),
				ok(wire.Mkdir, "/srv/fixed/x"), ok(wire.Rmdir, "/srv/a/inner/x"), ok(wire.List, "/srv/fixed"), blocked(wire.Symlink, "/srv/fixed", "/nowhere"),
				ok(wire.Symlink, "/srv/x", "/srv/fixed"),
			},
		},
	}
}

func executions() []scenario {
	loader := []File{{Path: wire.LoaderPath, Kind: wire.Loader}}
	dynamic := func(path string) []File {
		return []File{{Path: wire.LoaderPath, Kind: wire.Loader}, {Path: path, Kind: wire.Dynamic}}
	}
	script := func(path, interpreter string) []File {
		return []File{{Path: interpreter}, {Path: path, Kind: wire.Script, Text: interpreter}}
	}
	symlink := func(path, to, program string) []File {
		return []File{{Path: program}, {Path: path, Kind: wire.Symlinked, Text: to}}
	}
	forms := func(blockedOne, allowedOne string) []trial {
		return []trial{
			blocked(wire.Spawn, blockedOne), ok(wire.Spawn, allowedOne), blocked(wire.Become, blockedOne), ok(wire.Become, allowedOne),
			blocked(wire.SpawnFD, blockedOne), ok(wire.SpawnFD, allowedOne), blocked(wire.BecomeFD, blockedOne), ok(wire.BecomeFD, allowedOne),
			blocked(wire.SpawnAt, "/bin", blockedOne[5:]), ok(wire.SpawnAt, "/bin", allowedOne[5:]), blocked(wire.BecomeAt, "/bin", blockedOne[5:]),
			ok(wire.BecomeAt, "/bin", allowedOne[5:]), blocked(wire.SpawnIn, "/bin", blockedOne[5:]), ok(wire.SpawnIn, "/bin", allowedOne[5:]),
			blocked(wire.BecomeIn, "/bin", "../bin/"+blockedOne[5:]).with(File{Path: blockedOne}), ok(wire.BecomeIn, "/bin", "../bin/"+allowedOne[5:]).with(File{Path: allowedOne}),
			blocked(wire.Spawn, "/tmp/link").with(symlink("/tmp/link", blockedOne, blockedOne)...),
			ok(wire.Spawn, "/tmp/link").with(symlink("/tmp/link", "../.."+allowedOne, allowedOne)...),
			blocked(wire.Spawn, "/bin/script").with(script("/bin/script", allowedOne)...),
			ok(wire.Spawn, "/bin/free-script").with(script("/bin/free-script", allowedOne)...),
			// The interpreter is not checked: the lowering says so.
			ok(wire.Spawn, "/bin/free-script").with(script("/bin/free-script", blockedOne)...),
		}
	}
	direct := []trial{
		blocked(wire.Spawn, wire.LoaderPath, "/bin/a").with(dynamic("/bin/a")...),
		blocked(wire.Spawn, "/usr/lib/x86_64-linux-gnu/ld-2.36.so"), blocked(wire.Spawn, "/lib/ld-musl-x86_64.so.1"),
	}
	var out []scenario
	for _, escalation := range []bool{false, true} {
		name := "under no_new_privs"
		if escalation {
			name = "without no_new_privs"
		}
		out = append(out,
			scenario{
				//proves:apparmor process/default-block process/allow process/below process/star process/script process/loader
				name:       "allow-list of programs " + name,
				escalation: escalation,
				spec: `
process:
  default: Block
  rules:
    - {name: programs, action: Allow, paths: [/bin/a, "/bin/free-*", "/opt/**"]}`,
				reasons: []string{apparmor.ReasonInterpreter},
				trials: slices.Concat([]trial{start(entry), blocked(wire.Spawn, entry)}, forms("/bin/b", "/bin/a"), direct, []trial{
					ok(wire.Spawn, "/bin/a").with(dynamic("/bin/a")...), ok(wire.Spawn, "/opt/x/y"), blocked(wire.Spawn, "/opt"), blocked(wire.Spawn, "/bin/ab"),
					// A library is mapped, not executed.
					ok(wire.Map, "/bin/b"), ok(wire.Map, "/usr/lib/x.so"), blocked(wire.SpawnMemFD, ""),
				}),
			},
			scenario{
				//proves:apparmor process/block process/names process/script process/loader
				name:       "deny-list of programs " + name,
				escalation: escalation,
				spec: `
process:
  default: Allow
  rules:
    - {name: tools, action: Block, paths: [/bin/b, /bin/script]}
    - {name: netcat, action: Block, names: [nc]}`,
				trials: slices.Concat([]trial{start(entry)}, forms("/bin/b", "/bin/a"), direct, []trial{
					blocked(wire.Spawn, "/nc"), blocked(wire.Spawn, "/a/b/nc"), blocked(wire.Become, "/tmp/nc"), ok(wire.Spawn, "/tmp/nc2"), ok(wire.Spawn, "/nc/x"),
					blocked(wire.Map, "/bin/b"), blocked(wire.Mprotect, "/x/nc"), ok(wire.Read, "/bin/b"),
					ok(wire.Spawn, "/bin/a").with(dynamic("/bin/a")...), ok(wire.SpawnMemFD, ""),
				}),
			},
			scenario{
				name:       "the dynamic loader allowed " + name,
				escalation: escalation,
				spec: `
process:
  default: Allow
  rules:
    - {name: loader, action: Allow, paths: [` + wire.LoaderPath + `]}
    - {name: tools, action: Block, paths: [/bin/b]}`,
				trials: []trial{
					start(entry),
					ok(wire.Spawn, wire.LoaderPath, "/bin/a").with(dynamic("/bin/a")...),
					ok(wire.Spawn, wire.LoaderPath).with(loader...).anyhow(),
					blocked(wire.Map, "/bin/b"),
				},
			},
			scenario{
				//proves:apparmor process/from-exe process/from-parent process/from-ancestor process/from-escalation
				//proves:apparmor file/from-exe file/from-parent file/from-ancestor file/from-escalation
				name:       "lineages " + name,
				escalation: escalation,
				spec: `
process:
  default: Allow
  rules:
    - {name: exe, action: Block, paths: [/bin/by-a], from: {exe: [/bin/a]}}
    - {name: parent, action: Block, paths: [/bin/by-parent], from: {parent: [/bin/a]}}
    - {name: ancestor, action: Block, paths: [/bin/by-ancestor], from: {ancestor: [/bin/a]}}
file:
  default: Allow
  rules:
    - {name: file-exe, action: Block, access: [read], paths: [/f/exe], from: {exe: [/bin/a]}}
    - {name: file-parent, action: Block, access: [read], paths: [/f/parent], from: {parent: [/bin/a]}}
    - {name: file-ancestor, action: Block, access: [read], paths: [/f/ancestor], from: {ancestor: [/bin/a]}}`,
				reasons: []string{apparmor.ReasonLineage, apparmor.ReasonInterpreter},
				trials: slices.Concat(
					[]trial{start(entry)}, seen(false, false, false),
					[]trial{ok(wire.Become, "/bin/a")}, seen(true, false, false),
					[]trial{ok(wire.Become, "/bin/c")}, seen(false, true, true),
					[]trial{ok(wire.Become, "/bin/d")}, seen(false, false, true),
					[]trial{ok(wire.Become, "/bin/a")}, seen(true, false, true),
					[]trial{ok(wire.Become, "/bin/a")}, seen(true, true, true),
					[]trial{start(entry), ok(wire.Become, "/bin/c"), ok(wire.Become, "/bin/d")}, seen(false, false, false),
					// Each way to name the program counts.
					[]trial{start(entry), ok(wire.BecomeFD, "/bin/a")}, seen(true, false, false),
					[]trial{start(entry), ok(wire.BecomeAt, "/bin", "a")}, seen(true, false, false),
					[]trial{start(entry), ok(wire.Become, "/tmp/link").with(symlink("/tmp/link", "../bin/a", "/bin/a")...)}, seen(true, false, false),
					[]trial{start(entry), ok(wire.Become, "/bin/a").with(dynamic("/bin/a")...)}, seen(true, false, false),
					// Of a script the kernel tells AppArmor the script alone, and not its interpreter: the lowering says so.
					[]trial{start(entry), ok(wire.Become, "/bin/script").with(script("/bin/script", "/bin/a")...)}, seen(false, false, false),
					// A failed exec changes nothing.
					[]trial{start(entry), ok(wire.Become, "/bin/a"), blocked(wire.Become, "/bin/by-a")}, seen(true, false, false),
				),
			},
			scenario{
				//proves:apparmor process/allow-from file/allow-from
				name:       "an allow-list by lineage " + name,
				escalation: escalation,
				spec: `
process:
  default: Block
  rules:
    - {name: shell, action: Allow, paths: [/bin/sh, /bin/app]}
    - {name: tool, action: Allow, paths: [/bin/tool], from: {exe: [/bin/sh]}}
    - {name: again, action: Allow, paths: [/bin/again], from: {parent: [/bin/tool]}}
file:
  default: Block
  rules:
    - {name: config, action: Allow, access: [read], paths: [/config], from: {exe: [/bin/app]}}
    - {name: all, action: Allow, access: [read], paths: [/all]}`,
				trials: []trial{
					start(entry), ok(wire.Become, "/bin/app"),
					ok(wire.Read, "/config"), ok(wire.Read, "/all"), blocked(wire.Spawn, "/bin/tool"),
					// The first image is not known, so it may have been the tool: the lowering says so.
					ok(wire.Spawn, "/bin/again"),
					ok(wire.Become, "/bin/sh"), blocked(wire.Read, "/config"), ok(wire.Read, "/all"), blocked(wire.Spawn, "/bin/again"), ok(wire.Spawn, "/bin/app"),
					ok(wire.Become, "/bin/tool"), blocked(wire.Read, "/config"), blocked(wire.Spawn, "/bin/tool"), blocked(wire.Spawn, "/bin/again"),
					ok(wire.Become, "/bin/sh"), ok(wire.Spawn, "/bin/again"), ok(wire.Become, "/bin/again"), blocked(wire.Spawn, "/bin/tool"), blocked(wire.Spawn, "/bin/again"),
				},
			})
	}
	return out
}

// anyhow says that a step's success without a policy is not looked at: a loader without a program ends with an error of its own.
func (t trial) anyhow() trial {
	t.bare = true
	return t
}

// seen tries what the scenario of lineages blocks by the image, the one before, and any before.
func seen(exe, parent, ancestor bool) []trial {
	var out []trial
	for path, is := range map[string]bool{"exe": exe, "parent": parent, "ancestor": ancestor} {
		program := "/bin/by-" + path
		if path == "exe" {
			program = "/bin/by-a"
		}
		for _, t := range []trial{ok(wire.Read, "/f/"+path), ok(wire.Spawn, program), ok(wire.SpawnFD, program)} {
			t.blocked = is
			out = append(out, t)
		}
	}
	return out
}

// Numbers of families and types of sockets, capabilities and signals.
const (
	afUnix, afInet, afInet6, afNetlink, afPacket, afAlg = 1, 2, 10, 16, 17, 38
	stream, datagram, raw                               = 1, 2, 3
	capNetBind, capNetRaw, capSysTime                   = 10, 13, 25
)

// probed are the capabilities for which the probe knows something to do.
var probed = []int64{0, 6, 7, 8, 10, 12, 13, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 34, 35}

func capabilities(allowed ...int64) []trial {
	var out []trial
	for _, c := range probed {
		t := number(wire.Capability, "", c)
		if !slices.Contains(allowed, c) {
			t.blocked = true
		}
		out = append(out, t)
	}
	return out
}

func others() []scenario {
	all := probed
	return []scenario{
		{
			//proves:apparmor network/families network/types
			name: "families of sockets",
			spec: `
network:
  default: Allow
  rules:
    - {name: odd, action: Block, families: [netlink, packet]}
    - {name: raw, action: Block, families: [unix], types: [dgram]}`,
			trials: []trial{
				start(entry),
				number(wire.Socket, "", afInet, stream), number(wire.Socket, "", afInet6, datagram), number(wire.Socket, "", afUnix, stream), number(wire.Socket, "", afInet, raw, 1),
				number(wire.Socket, "", afNetlink, raw).block(syscall.EACCES), number(wire.Socket, "", afNetlink, datagram).block(syscall.EACCES),
				number(wire.Socket, "", afPacket, raw).block(syscall.EACCES), number(wire.Socket, "", afUnix, datagram).block(syscall.EACCES),
			},
		},
		{
			//proves:apparmor capabilities/default-block capabilities/allow
			name:   "capabilities allowed by rules",
			spec:   `capabilities: {default: Block, rules: [{name: some, action: Allow, names: [NET_BIND_SERVICE, CHOWN]}]}`,
			trials: slices.Concat([]trial{start(entry)}, capabilities(0, capNetBind), []trial{ok(wire.Chown, "/x"), ok(wire.Become, "/bin/a")}, capabilities(0, capNetBind)),
		},
		{
			//proves:apparmor capabilities/block capabilities/quiet
			name: "capabilities blocked by rules",
			spec: `capabilities: {default: Allow, rules: [{name: some, action: Block, names: [NET_RAW]}, {name: still, action: Block, names: [SYS_TIME], quiet: true}]}`,
			trials: slices.Concat([]trial{start(entry)}, capabilities(slices.DeleteFunc(slices.Clone(all), func(c int64) bool { return c == capNetRaw || c == capSysTime })...),
				[]trial{number(wire.Socket, "", afInet, stream)}),
		},
		{
			//proves:apparmor network/families-from
			name:    "families of sockets by lineage",
			spec:    `network: {default: Allow, rules: [{name: odd, action: Block, families: [packet], from: {exe: [/bin/a]}}]}`,
			reasons: []string{apparmor.ReasonLineage},
			trials: []trial{
				start(entry), number(wire.Socket, "", afPacket, raw),
				ok(wire.Become, "/bin/a"), number(wire.Socket, "", afPacket, raw).block(syscall.EACCES), number(wire.Socket, "", afNetlink, raw),
				ok(wire.Become, "/bin/c"), number(wire.Socket, "", afPacket, raw),
			},
		},
		{
			//proves:apparmor capabilities/audit capabilities/default-block
			name:   "capabilities that are reported",
			spec:   `capabilities: {default: Block, rules: [{name: some, action: Audit, names: [NET_RAW]}]}`,
			trials: slices.Concat([]trial{start(entry)}, capabilities(capNetRaw)),
		},
		{
			//proves:apparmor system/mount system/ptrace system/signal
			name:    "operations blocked by rules",
			spec:    `system: {rules: [{name: all, action: Block, operations: [mount, ptrace, signal]}]}`,
			reasons: []string{"before kernel 6.7 not at all"},
			trials:  slices.Concat([]trial{start(entry)}, foreign(true), mounted(), []trial{blocked(wire.Umount, "/proc")}),
		},
		{
			//proves:apparmor system/implied
			name: "mounts and other processes under a policy of files",
			spec: `
file:
  default: Allow
  rules: [{name: x, action: Block, access: [read], paths: [/x]}]`,
			reasons: []string{"before kernel 6.7 not at all"},
			trials:  slices.Concat([]trial{start(entry)}, foreign(true), mounted(), []trial{blocked(wire.Umount, "/proc")}),
		},
		{
			//proves:apparmor system/allow floor
			name: "mounts and other processes allowed",
			spec: `
file:
  default: Allow
  rules: [{name: x, action: Block, access: [read], paths: [/x]}]
system: {rules: [{name: all, action: Allow, operations: [mount, ptrace, signal]}]}`,
			// The floor is held beside: no mount, and nothing outside of the container.
			trials: slices.Concat([]trial{start(entry)}, foreign(true), mounted(), []trial{start(entry), ok(wire.Umount, "/sys")}),
		},
	}
}

// foreign tries to act upon processes: its own it may.
func foreign(denied bool) []trial {
	out := []trial{
		number(wire.Ptrace, wire.Outside), number(wire.VMRead, wire.Outside), number(wire.Signal, wire.Outside, 0, 18), number(wire.Signal, wire.Outside, 0, 0),
	}
	for i := range out {
		out[i].blocked = denied
	}
	return append(out, number(wire.Ptrace, ""), number(wire.VMRead, ""), number(wire.Signal, "", 0, 18))
}

// mounted tries to change mounts. Before Linux 6.7, AppArmor is not asked about those made through descriptors.
func mounted() []trial {
	return []trial{
		blocked(wire.Mount, "/m"), blocked(wire.Bind, "/m", "/n"), blocked(wire.Remount, "/"), blocked(wire.Propagate, "/"), blocked(wire.Move, "/sys", "/n").with(File{Path: "/n", Kind: wire.Dir}),
		blocked(wire.MountFD, "/m").except("5.10", "6.1"), blocked(wire.OpenTree, "/m", "/n").except("5.10", "6.1"),
		blocked(wire.PivotRoot, "/m", "/m").with(File{Path: "/m", Kind: wire.Dir}).anyhow(),
	}
}

// floor tries what the runtime's default profile denies, and what it allows.
func floor() []trial {
	return []trial{
		blocked(wire.Write, "/proc/sys/vm/swappiness"), blocked(wire.Write, "/proc/sys/kernel/hostname"), blocked(wire.Write, "/proc/sysrq-trigger"),
		blocked(wire.Write, "/proc/sys/kernel/core_pattern"), blocked(wire.Write, "/proc/irq/default_smp_affinity"),
		blocked(wire.Read, "/proc/kcore"), blocked(wire.Write, "/sys/kernel/mm/transparent_hugepage/enabled"), blocked(wire.Write, "/sys/power/state"),
		blocked(wire.Read, "/sys/kernel/security/lsm"), blocked(wire.Write, "/sys/kernel/security/apparmor/.replace"),
		blocked(wire.Write, "/proc/sys/kernel/shmmax"), ok(wire.Write, "/proc/self/comm"), ok(wire.Write, "/sys/fs/cgroup/cgroup.procs"), ok(wire.Read, "/proc/sys/vm/swappiness"),
		ok(wire.Read, "/sys/kernel/mm/transparent_hugepage/enabled"),
	}
}

// leave tries to shed the profile, and the floor with it.
func leave() trial {
	t := number(wire.Leave, "")
	t.blocked, t.bare = true, true
	return t
}

func modes() []scenario {
	spec := `
process:
  default: Block
  rules:
    - {name: a, action: Allow, paths: [/bin/a], from: {exe: [/bin/b]}}
    - {name: b, action: Block, paths: [/bin/b]}
file:
  default: Block
  rules:
    - {name: x, action: Block, access: [read, map], paths: [/x/**]}
    - {name: y, action: Allow, access: [read], paths: [/y/**]}
network:
  default: Allow
  rules: [{name: odd, action: Block, families: [netlink]}]
capabilities: {default: Block}`
	free := slices.Concat(only("/x"), only("/y"), only("/z"), capabilities(probed...), []trial{
		ok(wire.Spawn, "/bin/a"), ok(wire.Spawn, "/bin/b"), ok(wire.Spawn, wire.LoaderPath), ok(wire.SpawnMemFD, ""),
		ok(wire.Spawn, "/bin/script").with(File{Path: "/bin/script", Kind: wire.Script, Text: "/bin/c"}, File{Path: "/bin/c"}),
		number(wire.Socket, "", afNetlink, raw), number(wire.Socket, "", afPacket, raw),
	})
	return []scenario{
		{
			//proves:apparmor process/mode-audit file/mode-audit capabilities/mode-audit floor
			name: "mode Audit denies nothing but the floor, after any exec", audit: true, spec: spec,
			// Complain form holds only what is denied in so many words.
			trials: slices.Concat([]trial{start(entry), leave()}, free, floor(), foreign(true), []trial{ok(wire.Become, "/bin/b"), ok(wire.Become, "/bin/a")}, free, floor(), mounted()),
		},
		{
			//proves:apparmor process/mode-audit file/mode-audit capabilities/mode-audit floor
			name: "mode Audit without no_new_privs", audit: true, escalation: true, spec: spec,
			trials: slices.Concat([]trial{start(entry), leave(), ok(wire.Become, "/bin/a"), ok(wire.Become, "/bin/b"), ok(wire.Become, "/bin/c"), leave()}, free, floor(), foreign(true), mounted()),
		},
		{
			//proves:apparmor floor
			name: "the floor under a policy that blocks little", spec: `capabilities: {default: Allow, rules: [{name: t, action: Block, names: [SYS_TIME]}]}`,
			trials: slices.Concat([]trial{start(entry)}, floor(), foreign(true), []trial{ok(wire.Become, "/bin/a"), ok(wire.Become, "/bin/b")}, floor(), mounted()),
		},
		{
			name: "the defaults of sections that are not named", spec: `process: {default: Allow, rules: [{name: t, action: Block, paths: [/bin/t]}]}`,
			trials: slices.Concat([]trial{start(entry)}, only("/x"), capabilities(probed...), []trial{number(wire.Socket, "", afNetlink, raw), blocked(wire.Spawn, "/bin/t")}),
		},
		{
			//proves:apparmor file/default-audit file/quiet file/audit
			name: "quiet and Audit rules", spec: `
file:
  default: Audit
  rules:
    - {name: x, action: Block, access: [read], paths: [/x/**], quiet: true}
    - {name: y, action: Audit, access: [read, write, create, delete, rename, link, setattr], paths: [/y/**]}`,
			trials: slices.Concat([]trial{start(entry)}, only("/x", wire.Read, wire.List, wire.Map, wire.Mprotect, wire.Rename, wire.Exchange), only("/y"), only("/z")),
		},
	}
}
