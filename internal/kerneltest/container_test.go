// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"sigs.k8s.io/yaml"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/internal/kerneltest/wire"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/secil"
	"github.com/avert-dev/avert/internal/vm"
)

// node is the program of the checkout example.
const node = "/usr/local/bin/node"

// TestContainer runs the checkout example with runc as a node of Kubernetes would: with the security module, the seccomp
// profile and the capabilities that its patch names. It does its work, and attacks fail by the layer that is there for them:
// EACCES is the error of the security module, EPERM that of seccomp and of lost capabilities. It runs as root, so that nothing
// else refuses.
//
//proves:apparmor container
//proves:selinux container
//proves:seccomp container
//proves:securitycontext container
func TestContainer(t *testing.T) {
	t.Parallel()
	t.Run("AppArmor", func(t *testing.T) {
		t.Parallel()
		vm.Matrix(t, func(t *testing.T, kernel string) {
			example := readExample(t, kernel, "apparmor")
			blob := Compile(t, kernel, string(example.file(t, "apparmor", "avert.")))
			compare(t, vm.Config{Kernel: kernel, LSM: vm.AppArmor}, nil, example.container(t), Case{Blobs: [][]byte{blob}}, underAppArmor())
		})
	})
	t.Run("SELinux", func(t *testing.T) {
		t.Parallel()
		toolchain, err := secil.New(t.Context(), secil.Trixie)
		needs.NoError(t, err)
		vm.Matrix(t, func(t *testing.T, kernel string) {
			example := readExample(t, kernel, "selinux")
			policy, err := toolchain.Compile(t.Context(), secil.Base(), secil.Module{Name: "example.cil", Text: example.file(t, "selinux", "")})
			needs.NoError(t, err)
			spec := example.container(t)
			spec.Process.Capabilities = container().Process.Capabilities // so that it is the type that refuses them
			compare(t, vm.Config{Kernel: kernel, LSM: vm.SELinux}, policy, spec, Case{}, underSELinux())
		})
	})
}

// compare runs a container without and with what holds it.
func compare(t *testing.T, config vm.Config, selinux []byte, spec *specs.Spec, c Case, trials []trial) {
	t.Helper()
	for _, trial := range trials {
		c.Steps = append(c.Steps, trial.Step)
	}
	free := RunContainer(t, config, selinux, container(), Unconfined([]Case{c}))
	held := RunContainer(t, config, selinux, spec, []Case{c})
	for i, trial := range trials {
		what := fmt.Sprintf("step %d, %s %q %q %v", i, trial.Op, trial.Path, trial.Target, trial.N)
		if o := free[0][i]; !o.OK() && !trial.bare {
			t.Errorf("%s: %v without a policy", what, o)
		}
		if o := held[0][i]; !trial.came(config.Kernel, o) {
			t.Errorf("%s: %v", what, o)
		}
	}
}

// work is what the container of the example does.
func work() []trial {
	return []trial{
		ok(wire.Read, "/app/config/settings"), ok(wire.List, "/app/config/d"), ok(wire.Map, "/usr/lib/libssl.so"), ok(wire.Create, "/tmp/x"), ok(wire.Write, "/tmp/x"),
		ok(wire.Rename, "/tmp/x", "/tmp/y"), ok(wire.Unlink, "/tmp/y"), number(wire.Socket, "", afInet, stream), number(wire.Socket, "", afUnix, datagram),
		number(wire.Capability, "", capNetBind), number(wire.Signal, "", 0, 18), ok(wire.Read, "/proc/self/status"), ok(wire.Spawn, "/bin/sh"), ok(wire.Spawn, node),
	}
}

// attacks are what an attacker in it would do; under SELinux, which holds no rules about files, programs and types of sockets
// (its answers say so), those that are left.
func attacks(apparmor bool) []trial {
	var out []trial
	if apparmor {
		for _, trial := range []trial{
			number(wire.Socket, "", afPacket, raw), number(wire.Socket, "", afNetlink, raw),
			ok(wire.Spawn, "/usr/bin/nc"), ok(wire.Spawn, "/tmp/miner"), ok(wire.SpawnFD, "/tmp/miner"), ok(wire.SpawnMemFD, ""),
			ok(wire.Spawn, wire.LoaderPath), ok(wire.Become, "/bin/bash"),
			ok(wire.Write, "/etc/passwd"), ok(wire.Create, "/usr/local/bin/x"), ok(wire.Unlink, "/usr/bin/x"), ok(wire.Rename, "/tmp/x", "/etc/x"), ok(wire.Chmod, "/usr/bin/x"),
			ok(wire.Read, "/run/secrets/kubernetes.io/serviceaccount/token"),
			ok(wire.Write, "/proc/sys/vm/swappiness"), ok(wire.Write, "/proc/sysrq-trigger"), ok(wire.Read, "/proc/kcore"),
		} {
			out = append(out, trial.block(syscall.EACCES))
		}
	}
	for _, trial := range []trial{
		number(wire.Socket, "", afInet, raw, 1), number(wire.Ptrace, ""), number(wire.VMRead, ""), ok(wire.Mount, "/m"), ok(wire.Bind, "/m", "/n"), ok(wire.MountFD, "/m"), ok(wire.OpenTree, "/m", "/n"), ok(wire.Umount, "/proc").anyhow(),
		number(wire.Capability, "", 7), number(wire.Capability, "", 13), number(wire.Capability, "", 16), number(wire.Capability, "", 18), number(wire.Capability, "", 21),
	} {
		out = append(out, trial.block(syscall.EPERM))
	}
	return out
}

func underAppArmor() []trial {
	return slices.Concat([]trial{start(node)}, work(), attacks(true),
		[]trial{start(node), ok(wire.Become, "/bin/sh"), ok(wire.Read, "/app/config/settings"), blocked(wire.Spawn, "/bin/dash"), ok(wire.Become, node)},
		// What a shell started may not read the configuration.
		[]trial{ok(wire.Read, "/app/config/settings").block(syscall.EACCES), ok(wire.Write, "/tmp/x")}, attacks(true))
}

func underSELinux() []trial {
	return slices.Concat([]trial{start(node)}, work(), attacks(false), []trial{start(node), ok(wire.Become, "/bin/sh"), ok(wire.Become, node)}, work(), attacks(false))
}

// example is the checkout example, compiled.
type example struct {
	files  []emit.File
	target []string
}

func readExample(t *testing.T, kernel, lsm string) example {
	t.Helper()
	in := compiler.Input{Config: diag.NewFile(".avert.yaml", fmt.Appendf(nil, "apiVersion: avert.dev/v1alpha1\nkind: Config\n"+
		"pools: [{name: vm, kernel: %q, lsm: [%s], selinux: {toolchain: %q}, targets: [%s, seccomp, securitycontext]}]\n", kernel, lsm, "3.8", lsm))}
	for _, name := range []string{"policy.yaml", "workload.yaml"} {
		data, err := os.ReadFile(filepath.Join("../../examples/checkout", name))
		needs.NoError(t, err)
		in.Files = append(in.Files, diag.NewFile(name, data))
	}
	// No back-end here is about the network of pods, which is an error.
	result := compiler.Check(in)
	if len(result.Pools) != 1 {
		t.Fatal(result.Findings)
	}
	var out example
	for _, f := range result.Pools[0].Files {
		out.files, out.target = append(out.files, f.File), append(out.target, f.Target)
	}
	return out
}

func (e *example) file(t *testing.T, target, prefix string) []byte {
	t.Helper()
	for i, f := range e.files {
		if e.target[i] == target && strings.HasPrefix(f.Name, prefix) {
			return f.Data
		}
	}
	t.Fatalf("no file %s* of %s", prefix, target)
	return nil
}

// container is one without any policy, and with every capability.
func container() *specs.Spec {
	var all []string
	for _, name := range linux.CapabilityNames() {
		all = append(all, "CAP_"+strings.ToUpper(name))
	}
	return &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: "rootfs"},
		Process: &specs.Process{Args: []string{node}, Cwd: "/", Capabilities: &specs.LinuxCapabilities{Bounding: all, Effective: all, Permitted: all}},
		Mounts:  []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}},
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{
			{Type: specs.PIDNamespace}, {Type: specs.MountNamespace}, {Type: specs.IPCNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.UTSNamespace},
		}},
	}
}

// container is the container as the patch of the example asks for.
func (e *example) container(t *testing.T) *specs.Spec {
	t.Helper()
	var patch struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						SecurityContext struct {
							AllowPrivilegeEscalation bool
							AppArmorProfile          struct{ LocalhostProfile string }
							SeccompProfile           struct{ LocalhostProfile string }
							SELinuxOptions           struct{ Type string }
							Capabilities             struct{ Add, Drop []string }
						}
					}
				}
			}
		}
	}
	needs.NoError(t, yaml.Unmarshal(e.file(t, "securitycontext", ""), &patch))
	asked := patch.Spec.Template.Spec.Containers[0].SecurityContext
	if !slices.Equal(asked.Capabilities.Drop, []string{"ALL"}) {
		t.Fatalf("the patch drops %q", asked.Capabilities.Drop)
	}
	var kept []string
	for _, name := range asked.Capabilities.Add {
		kept = append(kept, "CAP_"+name)
	}
	spec := container()
	spec.Process.NoNewPrivileges = !asked.AllowPrivilegeEscalation
	spec.Process.ApparmorProfile = asked.AppArmorProfile.LocalhostProfile
	spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: kept, Effective: kept, Permitted: kept}
	if asked.SELinuxOptions.Type != "" {
		spec.Process.SelinuxLabel = "system_u:system_r:" + asked.SELinuxOptions.Type + ":s0"
	}
	needs.NoError(t, json.Unmarshal(e.file(t, "seccomp", filepath.Base(asked.SeccompProfile.LocalhostProfile)), &spec.Linux.Seccomp))
	return spec
}
