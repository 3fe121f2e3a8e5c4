// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/avert-dev/avert/internal/kerneltest/bench"
)

// scan measures in a cgroup whose processes may open only what begins with one of some prefixes, which are tried one after
// another.
func scan(cgroup string) (bench.Costs, error) {
	attached, err := attach(cgroup)
	if err != nil {
		return nil, err
	}
	costs, err := measure(cgroup, "")
	return costs, errors.Join(err, attached.Close(), detached())
}

func attach(cgroup string) (link.Link, error) {
	info, err := os.Stat(cgroup)
	if err != nil {
		return nil, err
	}
	spec, err := ebpf.LoadCollectionSpec("/tools/scan.o")
	if err != nil {
		return nil, err
	}
	if err := spec.Variables["governed"].Set(info.Sys().(*syscall.Stat_t).Ino); err != nil {
		return nil, err
	}
	loaded, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, err
	}
	defer loaded.Close()
	rules := loaded.Maps["rules"]
	for i, prefix := range bench.Prefixes(int(rules.MaxEntries())) {
		r := struct { // struct rule
			Length, Allow uint32
			Prefix        [128]byte
		}{Length: uint32(len(prefix)), Allow: 1}
		if copy(r.Prefix[:], prefix) < len(prefix) {
			return nil, fmt.Errorf("the prefix %q is too long", prefix)
		}
		if err := rules.Put(uint32(i), &r); err != nil {
			return nil, err
		}
	}
	return link.AttachLSM(link.LSMOptions{Program: loaded.Programs["scan_open"]})
}
