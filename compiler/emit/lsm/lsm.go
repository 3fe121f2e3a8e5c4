// SPDX-License-Identifier: Apache-2.0

// Package lsm lowers to images for the LSM programs of package bpf: one file for
// each container, which the node loader puts into the kernel and binds to the
// container's cgroup.
//
// The programs decide as the IR does: they walk the same automaton, and keep the
// lineage of every process. All layers of a unit share one automaton, one list of
// atoms and one of conditions, so that each path is walked once.
//
// The package loads nothing and knows no kernel maps.
package lsm

import (
	"fmt"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/emit"
	"github.com/avert-dev/avert/compiler/ir"
	"github.com/avert-dev/avert/compiler/linux"
	"github.com/avert-dev/avert/compiler/platform"
	"github.com/avert-dev/avert/compiler/policy"
)

const name = "lsm"

// extension ends the names of images.
const extension = ".img"

// sections are those that the programs decide.
var sections = []policy.Section{policy.Process, policy.File, policy.System}

// Target is the back-end `lsm`.
var Target = emit.Target{
	Name:     name,
	Summary:  "images for eBPF programs that decide files, programs and system operations on nodes",
	Sections: sections,
	Takes:    takes,
	Default:  func(*platform.Pool) bool { return false },
	Emit:     run,
}

// firstKernel has what the programs need on an architecture: LSM programs that
// sleep, ring buffers and maps of arrays of several sizes came with 5.10,
// trampolines on arm64 with 6.4.
func firstKernel(a linux.Arch) linux.KernelVersion {
	if a == linux.ARM64 {
		return linux.KernelVersion{Major: 6, Minor: 4}
	}
	return linux.KernelVersion{Major: 5, Minor: 10}
}

func takes(pool *platform.Pool) error {
	if !pool.HasLSM("bpf") {
		return fmt.Errorf("bpf is not among its security modules (lsm)")
	}
	for _, a := range pool.Architectures {
		if first := firstKernel(a); !pool.Kernel.AtLeast(first) {
			return fmt.Errorf("the programs need kernel %s on %s, and it has %s", first, a, pool.Kernel)
		}
	}
	return nil
}

func run(in emit.Input) emit.Output {
	var out emit.Output
	for _, u := range in.Program.Units {
		out.Lowerings = append(out.Lowerings, lowerings(u, in.Pool)...)
		if !holdsAnything(u) {
			continue
		}
		data, err := imageOf(u)
		if err != nil {
			out.Findings = append(out.Findings, emit.TooMuch(u, err.Error(), emit.FewerRules))
			continue
		}
		out.Files = append(out.Files, emit.File{Kind: emit.NodeFile, Name: u.Name + extension, Data: data, Sources: u.Policies})
	}
	return out
}

// holdsAnything says whether some layer has a section that the programs decide.
func holdsAnything(u *ir.Unit) bool {
	for _, l := range layersOf(u) {
		if l.System != nil || l.Paths != nil && (l.Paths.Process != nil || l.Paths.File != nil) {
			return true
		}
	}
	return false
}

// layersOf returns the layers in the order of bpf.Head.
func layersOf(u *ir.Unit) []*ir.Layer { return append([]*ir.Layer{u.Enforced}, u.Audits...) }

// imageOf makes the image of a unit. The error says what is more than an image
// can hold.
func imageOf(u *ir.Unit) ([]byte, error) {
	if n := 1 + len(u.Audits); n > bpf.MaxLayers {
		return nil, fmt.Errorf("%d policies in mode Audit govern one container, and an image holds %d", n-1, bpf.MaxLayers-1)
	}
	j, err := joinLayers(u)
	if err != nil {
		return nil, err
	}
	table, err := j.table()
	if err != nil {
		return nil, err
	}
	return j.image(table)
}
