// SPDX-License-Identifier: Apache-2.0

package bpf

import "github.com/cilium/ebpf"

//go:generate env BPF2GO_CC=clang-14 BPF2GO_STRIP=llvm-strip-14 go run github.com/cilium/ebpf/cmd/bpf2go -go-package bpf -target bpfel -no-global-types avert avert.c -- -O2 -mcpu=v3 -Wall -Werror -idirafter /usr/include/x86_64-linux-gnu

// Spec returns the programs and maps. The caller may change it.
func Spec() (*ebpf.CollectionSpec, error) { return loadAvert() }

// Object is the compiled object of which Spec is made. It must not be changed.
func Object() []byte { return _AvertBytes }
