// SPDX-License-Identifier: Apache-2.0

//go:build guest && linux

package node

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf/link"

	"github.com/avert-dev/avert/bpf"
)

// TestUpgradeGuest: programs of another build replace those that are attached, and
// no operation passes unseen meanwhile.
func TestUpgradeGuest(t *testing.T) {
	n, web := New("/sys/fs/bpf"), cgroup(t, "web")
	mustLoad(t, n, "a.img", web, Loaded)
	hammer := start(t, "hammer", web)
	f := n.folder(bpf.Layout)
	before := must(link.LoadPinnedLink(f.link("file_open"), nil))
	defer before.Close()
	other := must(adapted())
	delete(other.spec.Programs, "sb_mount")
	if err := f.replace(must(f.attached()), other); err != nil {
		t.Fatal(err)
	}
	after := must(link.LoadPinnedLink(f.link("file_open"), nil))
	defer after.Close()
	if must(before.Info()).ID == must(after.Info()).ID {
		t.Error("file_open was not replaced")
	}
	if slices.Contains(must(f.attached()), "sb_mount") {
		t.Error("a program that the other build does not have is still attached")
	}
	start(t, "open", web).expect("/b")
	hammer.done()
	if err := n.Unload("shop-checkout"); err != nil {
		t.Fatal(err)
	}
}
