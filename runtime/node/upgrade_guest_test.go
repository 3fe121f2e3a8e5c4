// SPDX-License-Identifier: Apache-2.0

//go:build guest && linux

package node

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
)

// absent is the program that the other build does not have.
const absent = "sb_mount"

// upgrade attaches the programs of the other build.
func upgrade(n *Node) error {
	return n.locked(unix.LOCK_EX, func([]uint32) error {
		other, err := adapted()
		if err != nil {
			return err
		}
		delete(other.spec.Programs, absent)
		f := n.folder(n.layout)
		attached, err := f.attached()
		if err != nil {
			return err
		}
		return f.replace(attached, other)
	})
}

// TestUpgradeGuest: programs of another build replace those that are attached, and
// no operation passes unseen meanwhile, also when the loader is killed. What that
// one leaves the next one completes.
func TestUpgradeGuest(t *testing.T) {
	n, web := New("/sys/fs/bpf"), cgroup(t, "web")
	mustLoad(t, n, "a.img", web, Loaded)
	watch := start(t, "watch", web)
	f := n.folder(bpf.Layout)
	before := must(link.LoadPinnedLink(f.link("file_open"), nil))
	defer before.Close()
	begin := time.Now()
	if out, err := command("upgrade").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	long := time.Since(begin)
	t.Logf("upgraded in %v", long.Round(time.Millisecond))
	after := must(link.LoadPinnedLink(f.link("file_open"), nil))
	defer after.Close()
	if must(before.Info()).ID == must(after.Info()).ID {
		t.Error("file_open was not replaced")
	}
	if slices.Contains(must(f.attached()), absent) {
		t.Error("a program that the other build does not have is still attached")
	}
	start(t, "open", web).expect("/b")

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	killed := 0
	for range 3 {
		loader := command("upgrade")
		if err := loader.Start(); err != nil {
			t.Fatal(err)
		}
		// It begins with what takes the longest, having them verified.
		time.AfterFunc(long/2+time.Duration(random.Int64N(int64(long/2))), func() { loader.Process.Kill() })
		if loader.Wait() != nil {
			killed++
		}
	}
	if t.Logf("%d loaders killed", killed); killed == 0 {
		t.Error("no loader was killed")
	}
	mustLoad(t, n, "a.img", web, Unchanged)
	if !slices.Contains(must(f.attached()), absent) {
		t.Error("this build's programs are not all attached")
	}
	if _, err := os.Lstat(f.link(next)); !os.IsNotExist(err) {
		t.Errorf("what a killed loader left is still there: %v", err)
	}
	start(t, "open", web).expect("/b")
	watch.done()
	if err := n.Unload("shop-checkout"); err != nil {
		t.Fatal(err)
	}
	if links := must(os.ReadDir(f.links())); len(links) > 0 {
		t.Errorf("still attached: %v", links)
	}
}
