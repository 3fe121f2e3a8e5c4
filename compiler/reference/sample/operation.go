// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"math"

	"github.com/avert-dev/avert/compiler/policy"
	"pgregory.net/rapid"
)

// Operation draws one operation of any kind, near the rules of the policies and
// most often of a kind that they govern.
func Operation(ps []*policy.Policy) *rapid.Generator[policy.Operation] {
	objects, images := pathsOf(ps)
	kinds := kindsOf(ps)
	return rapid.Custom(func(t *rapid.T) policy.Operation {
		op := policy.Operation{
			Kind:    pick(t, "kind", kinds...),
			Lineage: rapid.SliceOfN(Path(images), 0, 3).Draw(t, "lineage"),
		}
		switch op.Kind {
		case policy.OpExec:
			for range rapid.IntRange(1, 3).Draw(t, "images") {
				op.Images = append(op.Images, object(t, objects))
			}
		case policy.OpFile:
			op.Access = policy.AccessMap
			if !chance(t, "map", 4) {
				op.Access = policy.AccessNames[rapid.IntRange(0, 10).Draw(t, "access")].Access
			}
			op.Object = object(t, objects)
		case policy.OpRename:
			op.Object, op.Target = object(t, objects), object(t, objects)
			op.Directory = rapid.Bool().Draw(t, "directory")
			op.Exchange = chance(t, "exchange", 4)
			op.TargetExists = op.Exchange || rapid.Bool().Draw(t, "target exists")
		case policy.OpLink:
			op.Object, op.Target = object(t, objects), object(t, objects)
		case policy.OpNetwork:
			op.Flow = flow(t)
		case policy.OpSyscall:
			op.Syscall = policy.SyscallCall{Arch: pick(t, "arch", "amd64", "arm64"), Name: pick(t, "syscall", syscalls...)}
			for i := range op.Syscall.Args {
				op.Syscall.Args[i] = pick(t, "argument", values...)
			}
		case policy.OpCapability:
			op.Capability = pick(t, "capability", capabilities...)
		case policy.OpSystem:
			op.System = pick(t, "operation", policy.SystemOperations[:]...)
		}
		return op
	})
}

// object draws an object, mostly a named one.
func object(t *rapid.T, near []string) policy.Object {
	class := pick(t, "class", policy.Named, policy.Named, policy.Named, policy.Named, policy.Named, policy.Named,
		policy.Named, policy.Anonymous, policy.Unresolved, policy.Unnamed)
	if class != policy.Named {
		return policy.Object{Class: class}
	}
	return policy.Object{Path: Path(near).Draw(t, "object")}
}

// loaders are paths of dynamic loaders, which the language knows by itself.
var loaders = []string{"/lib/ld.so", "/usr/lib64/a/ld-x.so.1"}

// kindsOf lists every kind once, and again for every section that governs it.
func kindsOf(ps []*policy.Policy) []policy.OperationKind {
	kinds := []policy.OperationKind{policy.OpExec, policy.OpFile, policy.OpRename, policy.OpLink,
		policy.OpNetwork, policy.OpSyscall, policy.OpCapability, policy.OpSystem}
	for _, p := range ps {
		if p.Process != nil {
			kinds = append(kinds, policy.OpExec, policy.OpFile, policy.OpSystem)
		}
		if p.File != nil {
			kinds = append(kinds, policy.OpFile, policy.OpRename, policy.OpLink, policy.OpSystem)
		}
		if p.Network != nil {
			kinds = append(kinds, policy.OpNetwork, policy.OpNetwork)
		}
		if p.Syscalls != nil {
			kinds = append(kinds, policy.OpSyscall, policy.OpSyscall)
		}
		if p.Capabilities != nil {
			kinds = append(kinds, policy.OpCapability)
		}
		if p.System != nil {
			kinds = append(kinds, policy.OpSystem)
		}
	}
	return kinds
}

// pathsOf collects the patterns that policies have for objects and for images
// of a lineage.
func pathsOf(ps []*policy.Policy) (objects, images []string) {
	objects = append(objects, loaders...)
	for _, p := range ps {
		for _, s := range []*policy.PathSection{p.Process, p.File} {
			if s == nil {
				continue
			}
			for _, r := range s.Rules {
				for _, pattern := range r.Paths {
					objects = append(objects, pattern.Text)
				}
				if r.From == nil {
					continue
				}
				for _, from := range [][]policy.Pattern{r.From.Exe, r.From.Parent, r.From.Ancestor} {
					for _, pattern := range from {
						images = append(images, pattern.Text)
					}
				}
			}
		}
	}
	return objects, images
}

var (
	syscalls     = []string{"read", "ptrace", "personality", "mount", "clone"}
	capabilities = []string{"NET_BIND_SERVICE", "SYS_ADMIN", "CHOWN"}
	// values of arguments lie around the numbers that conditions compare with.
	values = []uint64{0, 1, 2, 3, 7, 8, 9, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1 << 63, math.MaxUint64}
)

// syscallRule draws calls, conditions on their arguments and an errno.
func syscallRule(t *rapid.T, r policy.Rule) policy.SyscallRule {
	out := policy.SyscallRule{Rule: r, Names: texts(some(t, "syscalls", 2, syscalls...))}
	if r.Action == policy.Block {
		out.Errno = pick(t, "errno", 1, 13, 38)
	}
	for range pick(t, "conditions", 0, 0, 1, 2) {
		a := policy.Arg{
			Index: pick(t, "index", 0, 0, 1, 5),
			Op:    pick(t, "op", policy.ArgEqual, policy.ArgNotEqual, policy.ArgLess, policy.ArgLessEqual, policy.ArgGreater, policy.ArgGreaterEqual, policy.ArgMaskedEqual),
			Value: pick(t, "value", uint64(1), 2, 8, 1<<32, 1<<63),
		}
		if a.Op == policy.ArgMaskedEqual {
			a.Mask = a.Value | pick(t, "mask", uint64(0), 1, 8, 1<<32)
		}
		out.Args = append(out.Args, a)
	}
	return out
}

// Base draws a stand-in for the container runtime's default profile.
func Base() *rapid.Generator[func(policy.SyscallCall) bool] {
	return rapid.Custom(func(t *rapid.T) func(policy.SyscallCall) bool {
		allowed := map[string]bool{}
		for _, name := range syscalls {
			allowed[name] = rapid.Bool().Draw(t, name)
		}
		return func(call policy.SyscallCall) bool {
			// personality is allowed for some arguments only, as in real profiles.
			return allowed[call.Name] && (call.Name != "personality" || call.Args[0] == 0 || call.Args[0] == 8)
		}
	})
}
