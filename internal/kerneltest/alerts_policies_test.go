// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"slices"
	"syscall"

	"github.com/avert-dev/avert/internal/kerneltest/wire"
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

// pods are by name: the policies' label and whether processes may gain privileges.
var pods = map[string]struct {
	app        string
	escalation bool
}{"open": {"open", false}, "loose": {"open", true}, "closed": {"closed", false}, "trial": {"trial", false}, "typed": {"typed", false}}

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
