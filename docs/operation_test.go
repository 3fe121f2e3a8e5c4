// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/avert-dev/avert/compiler/policy"
)

// operation reads an operation as the tables of the pages spell it:
//
//	exec `/a.sh` `/bin/sh` by `/first` `/current`
//	read `/a`, map anonymous
//	rename [directory] `/a` to `/b`, link `/a` to `/b`
//	ingress TCP 80 pod `app=a` GET `/path`
//	egress UDP 53 dns, egress TCP 1 name `a.example`, egress TCP 1 address `192.0.2.1`
//	call `socket` 2 1 0
//	use `NET_RAW`
//	system mount
func operation(text string) (policy.Operation, error) {
	words := strings.Fields(strings.ReplaceAll(text, "`", ""))
	op := policy.Operation{}
	if i := slices.Index(words, "by"); i >= 0 {
		op.Lineage, words = words[i+1:], words[:i]
	}
	verb, args := words[0], words[1:]
	if len(args) == 0 {
		return op, fmt.Errorf("%q has no object", text)
	}
	switch verb {
	case "exec":
		op.Kind = policy.OpExec
		for _, a := range args {
			op.Images = append(op.Images, object(a))
		}
	case "rename", "link":
		op.Kind = policy.OpRename
		if verb == "link" {
			op.Kind = policy.OpLink
		}
		if args[0] == "directory" {
			op.Directory, args = true, args[1:]
		}
		if len(args) != 3 || args[1] != "to" {
			return op, fmt.Errorf("%q is not of the form: %s A to B", text, verb)
		}
		op.Object, op.Target = object(args[0]), object(args[2])
	case "ingress", "egress":
		op.Kind = policy.OpNetwork
		return op, flow(&op.Flow, verb, args)
	case "call":
		op.Kind = policy.OpSyscall
		op.Syscall = policy.SyscallCall{Arch: "amd64", Name: args[0]}
		for i, a := range args[1:] {
			n, err := strconv.ParseUint(a, 0, 64)
			if err != nil {
				return op, err
			}
			op.Syscall.Args[i] = n
		}
	case "use":
		op.Kind, op.Capability = policy.OpCapability, args[0]
	case "system":
		op.Kind = policy.OpSystem
		i := slices.IndexFunc(policy.SystemOperations[:], func(o policy.SystemOperation) bool { return o.String() == args[0] })
		if i < 0 {
			return op, fmt.Errorf("%q is no operation of system", args[0])
		}
		op.System = policy.SystemOperations[i]
	default:
		op.Kind, op.Object = policy.OpFile, object(args[0])
		for _, a := range policy.AccessNames {
			if a.Name == verb {
				op.Access = a.Access
			}
		}
		if op.Access == 0 {
			return op, fmt.Errorf("%q is no operation", verb)
		}
	}
	return op, nil
}

func object(word string) policy.Object {
	if word == "anonymous" {
		return policy.Object{Class: policy.Anonymous}
	}
	return policy.Object{Path: word}
}

// flow reads PROTOCOL PORT PEER [METHOD PATH].
func flow(f *policy.Flow, direction string, args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("a flow has a protocol, a port and a peer, and this is %q", args)
	}
	port, err := strconv.ParseUint(args[1], 10, 16)
	if err != nil {
		return err
	}
	*f = policy.Flow{Direction: policy.Egress, Protocol: args[0], Port: uint16(port), Type: "stream"}
	if direction == "ingress" {
		f.Direction = policy.Ingress
	}
	if f.Protocol == "UDP" {
		f.Type = "dgram"
	}
	kind, args := args[2], args[3:]
	if kind == "dns" {
		f.Peer = policy.Endpoint{ClusterDNS: true, Pod: &policy.Pod{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}}
		return nil
	}
	if len(args) == 0 {
		return fmt.Errorf("which %s?", kind)
	}
	switch kind {
	case "pod":
		key, value, _ := strings.Cut(args[0], "=")
		f.Peer.Pod = &policy.Pod{Namespace: "shop", Labels: map[string]string{key: value}}
	case "address":
		if f.Peer.Addr, err = netip.ParseAddr(args[0]); err != nil {
			return err
		}
	case "name":
		f.Peer = policy.Endpoint{Addr: netip.MustParseAddr("198.51.100.1"), Names: []string{args[0]}}
	default:
		return fmt.Errorf("%q is no kind of peer", kind)
	}
	if len(args) == 3 {
		f.HTTP = &policy.HTTPRequest{Method: args[1], Path: args[2]}
	}
	return nil
}
