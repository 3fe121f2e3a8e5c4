// SPDX-License-Identifier: Apache-2.0

//go:build guest && linux

package node

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/runtime/image"
)

// The program is also a loader, and what runs in containers.
func TestMain(m *testing.M) {
	switch os.Getenv("ROLE") {
	case "least":
		confine(os.Args[3:])
		end(loadFile(New("/sys/fs/bpf"), os.Args[1], os.Args[2]))
	case "upgrade":
		end(upgrade(New("/sys/fs/bpf")))
	case "open":
		open()
	case "hammer":
		hammer(opens)
	case "watch":
		// Leaves the loader time where there are many more guests than processors.
		n := 0
		hammer(func() bool {
			if n++; n%10 == 0 {
				time.Sleep(time.Millisecond)
			}
			return opens()
		})
	case "fork":
		hammer(func() bool { return exec.Command("/bin/cat", "/both").Run() == nil })
	}
	os.Exit(m.Run())
}

// end ends the process.
func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// open says of each path that it reads whether it can be opened.
func open() {
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		f, err := os.Open(lines.Text())
		f.Close()
		fmt.Println(err == nil)
	}
	os.Exit(0)
}

func opens() bool {
	fd, err := syscall.Open("/both", syscall.O_RDONLY, 0)
	syscall.Close(fd)
	return err == nil
}

// hammer tries to read /both until its input ends, and says how often it could and
// could not.
func hammer(read func() bool) {
	fmt.Println("ready")
	end := make(chan bool)
	go func() { io.Copy(io.Discard, os.Stdin); close(end) }()
	opened, refused := 0, 0
	for {
		select {
		case <-end:
			fmt.Println(opened, refused)
			os.Exit(0)
		default:
		}
		if read() {
			opened++
		} else {
			refused++
		}
	}
}

// container is a process in a cgroup and a mount namespace of its own.
type container struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t *testing.T, role, cgroup string) *container {
	t.Helper()
	dir, err := os.Open(cgroup)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c := &container{t: t, cmd: exec.Command("/proc/self/exe")}
	c.cmd.Env = append(os.Environ(), "ROLE="+role)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd()), Cloneflags: syscall.CLONE_NEWNS}
	c.cmd.Stderr = os.Stderr
	c.in, _ = c.cmd.StdinPipe()
	out, _ := c.cmd.StdoutPipe()
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.end)
	if got := c.line(); got != "ready" {
		t.Fatalf("the container says %q", got)
	}
	return c
}

func (c *container) end() { c.in.Close(); c.cmd.Wait() }

func (c *container) line() string {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// expect says which of /a, /b and /both can be opened.
func (c *container) expect(want string) {
	c.t.Helper()
	var got []string
	for _, path := range []string{"/a", "/b", "/both"} {
		fmt.Fprintln(c.in, path)
		if c.line() == "true" {
			got = append(got, path)
		}
	}
	if strings.Join(got, " ") != want {
		c.t.Errorf("could open %q, not %q", got, want)
	}
}

func cgroup(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("/sys/fs/cgroup", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func loadFile(n *Node, name, cgroup string) error {
	raw, err := os.ReadFile(filepath.Join("/images", name))
	if err != nil {
		return err
	}
	_, err = n.Load(raw, cgroup)
	return err
}

func mustLoad(t *testing.T, n *Node, name, cgroup string, want Change) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("/images", name))
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	got, err := n.Load(raw, cgroup)
	t.Logf("load %s: %v", name, time.Since(begin).Round(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("loading %s into %s did %d, not %d", name, cgroup, got, want)
	}
}

func mustFind(t *testing.T, n *Node, name string) *Unit {
	t.Helper()
	u := find(mustList(t, n), name)
	if u == nil {
		t.Fatalf("%s is not loaded", name)
	}
	return u
}

func mustList(t *testing.T, n *Node) []*Unit {
	t.Helper()
	units, err := n.List()
	if err != nil {
		t.Fatal(err)
	}
	return units
}

func TestGuestPreflight(t *testing.T) {
	if f := Preflight("/sys/fs/bpf"); len(f) > 0 {
		t.Errorf("%v", &NotReady{f})
	}
	err := loadFile(New("/tmp"), "a.img", cgroup(t, "web"))
	if err == nil || !strings.Contains(err.Error(), "/tmp is not a BPF file system; mount one: mount -t bpf bpf /tmp") {
		t.Errorf("%v", err)
	}
	err = loadFile(New("/sys/fs/bpf"), "a.img", "/tmp")
	if err == nil || !strings.Contains(err.Error(), "/tmp is not the folder of a cgroup") {
		t.Errorf("%v", err)
	}
}

// TestGuestCapabilities: the capabilities that Preflight asks for are enough, and
// each is needed. The unit stays loaded until the last test, so that the programs
// need not be verified again.
func TestGuestCapabilities(t *testing.T) {
	release := strings.TrimSpace(string(must(os.ReadFile("/proc/sys/kernel/osrelease"))))
	needed := new(facts).lacking(strings.HasPrefix(release, "5.10."))
	keep := cgroup(t, "keep")
	for i, name := range needed {
		out, err := command("least", append([]string{"keep.img", keep}, slices.Delete(slices.Clone(needed), i, i+1)...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "avert-node lacks "+name) {
			t.Errorf("without %s: %v\n%s", name, err, out)
		}
	}
	begin := time.Now()
	out, err := command("least", append([]string{"keep.img", keep}, needed...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("with %v: %v\n%s", needed, err, out)
	}
	t.Logf("loaded in %v", time.Since(begin).Round(time.Millisecond))
	start(t, "open", keep).expect("/b")
}

// TestGuestPrograms: every program whose hook the kernel has is attached.
func TestGuestPrograms(t *testing.T) {
	n, all := New("/sys/fs/bpf"), must(bpf.Spec())
	s, f := must(n.Status()), n.folder(bpf.Layout)
	for _, h := range s.Missing {
		delete(all.Programs, h.Name)
	}
	if s.TaskStorage {
		delete(all.Programs, "task_free") // what it removes is in the task itself
	}
	attached := s.Layouts[0].Attached
	if want := slices.Sorted(maps.Keys(all.Programs)); !slices.Equal(attached, want) {
		t.Errorf("%v are attached, not %v", attached, want)
	}
	var total uint32
	for _, name := range attached {
		l := must(link.LoadPinnedLink(f.link(name), nil))
		program := must(ebpf.NewProgramFromID(must(l.Info()).Program))
		verified, known := must(program.Info()).VerifiedInstructions() // since Linux 5.16
		if total += verified; known {
			t.Logf("%s: %d instructions", name, verified)
		}
		program.Close()
		l.Close()
	}
	t.Logf("%d instructions verified in %d programs", total, len(attached))
}

func TestGuestLoad(t *testing.T) {
	n, web, db := New("/sys/fs/bpf"), cgroup(t, "web"), cgroup(t, "db")
	before := start(t, "open", web)
	before.expect("/a /b /both")
	mustLoad(t, n, "a.img", web, Loaded)
	before.expect("/b")
	after, beside := start(t, "open", web), start(t, "open", db)
	after.expect("/b")
	beside.expect("/a /b /both")

	u := mustFind(t, n, "shop-checkout")
	id, err := cgroupID(web)
	if err != nil {
		t.Fatal(err)
	}
	if u.Name != "shop-checkout" || u.Generation != 1 || u.Layout != bpf.Layout || !slices.Equal(u.Cgroups, []uint64{id}) || CgroupPaths("/sys/fs/cgroup")[id] != web {
		t.Errorf("%+v", u)
	}

	mustLoad(t, n, "a.img", web, Unchanged)
	if again := mustFind(t, n, "shop-checkout"); again.handle != u.handle {
		t.Errorf("loading twice changed %#x to %#x", u.handle, again.handle)
	}
	mustLoad(t, n, "b.img", web, Replaced)
	before.expect("/a")
	after.expect("/a")
	mustLoad(t, n, "b.img", db, Governs)
	beside.expect("/a")
	if err := loadFile(n, "other.img", db); err == nil || !strings.Contains(err.Error(), "governed by shop-checkout") {
		t.Errorf("two units of one cgroup: %v", err)
	}

	u = mustFind(t, n, "shop-checkout")
	if u.Generation != 2 || len(u.Cgroups) != 2 {
		t.Errorf("%+v", u)
	}
	for generation, file := range map[uint32]string{1: "a.img", 2: "b.img"} {
		want, _ := os.ReadFile("/images/" + file)
		if got, err := n.Image(u.handle.policy(), generation); err != nil || string(got) != string(want) {
			t.Errorf("generation %d is not %s: %v", generation, file, err)
		}
	}
	if _, err := n.Image(u.handle.policy(), 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the image of the next generation: %v", err)
	}
	s, err := n.Status()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	if len(s.Findings) > 0 || len(s.Layouts) != 1 || s.Layouts[0].Units != 2 || len(s.Layouts[0].Lacking) > 0 || len(s.Layouts[0].Attached) < 20 || s.Layouts[0].Counters[0].Value == 0 {
		t.Errorf("%+v", s)
	}

	if err := n.Unload("shop-checkout"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*container{before, after, beside} {
		c.expect("/a /b /both")
	}
	clean(t, 1, n)
	if err := n.Unload("shop-checkout"); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("unloading twice: %v", err)
	}
	mustLoad(t, n, "a.img", web, Loaded)
	before.expect("/b")
	if err := n.Unload("shop-checkout"); err != nil {
		t.Fatal(err)
	}
}

// clean holds that nothing is left but some units of one revision and one cgroup
// on each of the nodes, which are all that there are.
func clean(t *testing.T, units int, nodes ...*Node) {
	t.Helper()
	for _, n := range nodes {
		s, err := n.folder(n.layout).open()
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		for name, m := range map[string]int{"governed cgroups": len(must(s.governed())), "images": len(must(os.ReadDir(s.images()))), "units": len(must(s.units()))} {
			if m != units {
				t.Errorf("%d %s are left of %d", m, name, units)
			}
		}
		if slots := must(s.changing()); len(slots) > 0 {
			t.Errorf("slots %v are still being changed", slots)
		}
	}
	tables(t, units*len(nodes))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// tables holds that the kernel has the tables of so many revisions, and their heads.
// Those that were removed go a moment later, once no program can read them.
func tables(t *testing.T, revisions int) {
	t.Helper()
	want := 2 * revisions
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := 0
		for id := ebpf.MapID(0); ; {
			var err error
			if id, err = ebpf.MapGetNextID(id); errors.Is(err, fs.ErrNotExist) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			m, err := ebpf.NewMapFromID(id)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			if info := must(m.Info()); info.Name == template(0).Name {
				n++
			}
			m.Close()
		}
		if n == want {
			return
		} else if time.Now().After(end) {
			t.Errorf("%d tables and heads are left, not %d", n, want)
			return
		}
	}
}

// TestGuestSwap: no operation sees neither the revision before a swap nor the one
// after it, in processes that are there and in new ones.
func TestGuestSwap(t *testing.T) {
	n, web := New("/sys/fs/bpf"), cgroup(t, "web")
	mustLoad(t, n, "a.img", web, Loaded)
	hammers := []*container{start(t, "hammer", web), start(t, "fork", web)}
	s := must(n.folder(bpf.Layout).open())
	defer s.close()
	id := must(cgroupID(web))
	for i := range 300 {
		raw := must(os.ReadFile([]string{"/images/b.img", "/images/a.img"}[i%2]))
		if change, err := s.load(raw, must(image.Decode(raw)), id); change != Replaced || err != nil {
			t.Fatalf("%d: %v", change, err)
		}
	}
	for _, h := range hammers {
		h.done()
	}
	if u := mustFind(t, n, "shop-checkout"); u.Generation != 301 {
		t.Errorf("%+v", u)
	}
	if err := n.Unload("shop-checkout"); err != nil {
		t.Fatal(err)
	}
	clean(t, 1, n)
}

// TestGuestKilled: an avert-node that is killed at any moment leaves the old
// revision or the new one in force, and the next one what it would have left.
func TestGuestKilled(t *testing.T) {
	n, web, db := New("/sys/fs/bpf"), cgroup(t, "web"), cgroup(t, "db")
	mustLoad(t, n, "a.img", web, Loaded)
	watch, witness := start(t, "watch", web), start(t, "open", web)
	long := time.Hour
	for _, revision := range []string{"b", "a", "b"} {
		begin := time.Now()
		if out, err := avertNode("load", "/images/"+revision+".img", "--cgroup", web).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		long = min(long, time.Since(begin))
	}
	t.Logf("a revision is loaded in %v", long.Round(time.Millisecond))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	const kills = 100
	killed, loaders := 0, 0
	for ; killed < kills && loaders < 10*kills; loaders++ {
		// Between them, first loads and unloads of another unit.
		loader := [...]*exec.Cmd{
			avertNode("load", "/images/a.img", "--cgroup", web), avertNode("load", "/images/other.img", "--cgroup", db),
			avertNode("load", "/images/b.img", "--cgroup", web), avertNode("unload", "shop-other"),
		}[loaders%4]
		var said bytes.Buffer
		loader.Stdout, loader.Stderr = &said, &said
		if err := loader.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(random.Int64N(int64(long))), func() { loader.Process.Kill() })
		err := loader.Wait()
		switch {
		case loader.ProcessState.Sys().(syscall.WaitStatus).Signaled():
			killed++
		case err != nil && !strings.Contains(said.String(), ErrNotLoaded.Error()):
			t.Fatalf("after %d loaders: %v\n%s", loaders, err, &said)
		}
		units := mustList(t, n)
		if len(units) < 2 || len(units) > 3 || units[0].Name != "shop-checkout" || len(units[0].Cgroups) != 1 {
			t.Fatalf("after %d loaders: %+v", loaders, units)
		}
		can := map[string]string{sum(t, "a.img"): "/b", sum(t, "b.img"): "/a"}[units[0].Image]
		witness.expect(can)
		if loaders%10 == 0 {
			c := start(t, "open", web)
			c.expect(can)
			c.end()
		}
	}
	t.Logf("%d of %d loaders killed", killed, loaders)
	if killed != kills {
		t.Errorf("%d loaders were killed, not %d", killed, kills)
	}
	if err := n.Unload("shop-other"); err != nil && !errors.Is(err, ErrNotLoaded) {
		t.Fatal(err)
	}
	if err := loadFile(n, "a.img", web); err != nil {
		t.Fatal(err)
	}
	s := must(n.folder(bpf.Layout).open())
	defer s.close()
	if governed := must(s.governed()); len(governed) != 2 {
		t.Errorf("cgroups %v are left of two units", governed)
	}
	tables(t, 2)
	watch.done()
	if err := n.Unload("shop-checkout"); err != nil {
		t.Fatal(err)
	}
	clean(t, 1, n)
}

func avertNode(args ...string) *exec.Cmd { return exec.Command("/bin/avert-node", args...) }

// command is a loader of its own.
func command(role string, args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), "ROLE="+role)
	return c
}

func sum(t *testing.T, name string) string {
	raw, err := os.ReadFile(filepath.Join("/images", name))
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw[24:56])
}

// done ends a hammer that should not have got through.
func (c *container) done() {
	c.t.Helper()
	c.in.Close()
	var opened, refused int
	fmt.Sscan(c.line(), &opened, &refused)
	c.t.Logf("%d operations", refused)
	if opened > 0 || refused == 0 {
		c.t.Errorf("%d operations were allowed, %d refused", opened, refused)
	}
}

// confine leaves the process with named capabilities.
func confine(names []string) {
	bits := map[string]int{"CAP_BPF": unix.CAP_BPF, "CAP_PERFMON": unix.CAP_PERFMON, "CAP_SYSLOG": unix.CAP_SYSLOG, "CAP_SYS_PTRACE": unix.CAP_SYS_PTRACE, "CAP_SYS_RESOURCE": unix.CAP_SYS_RESOURCE}
	var set uint64
	for _, name := range names {
		set |= 1 << bits[name]
	}
	data := [2]unix.CapUserData{{Effective: uint32(set), Permitted: uint32(set)}, {Effective: uint32(set >> 32), Permitted: uint32(set >> 32)}}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if _, _, err := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0); err != 0 {
		panic(err)
	}
}

// TestGuestLayouts: units move to a newer layout one by one, and not back; after
// the last unit nothing is attached. It ends what TestGuestCapabilities began.
func TestGuestLayouts(t *testing.T) {
	n, web, keep := New("/sys/fs/bpf"), cgroup(t, "web"), cgroup(t, "keep")
	newer := &Node{BPFFS: n.BPFFS, layout: n.layout + 1}
	mustLoad(t, n, "a.img", web, Loaded)
	c, kept := start(t, "open", web), start(t, "open", keep)
	c.expect("/b")
	mustLoad(t, newer, "b.img", web, Loaded)
	c.expect("/a")
	kept.expect("/b")
	clean(t, 1, n, newer)
	if err := loadFile(n, "a.img", web); err == nil || !strings.Contains(err.Error(), "a newer avert-node enforces with layout 2") {
		t.Errorf("downgrade: %v", err)
	}
	c.expect("/a")
	mustLoad(t, newer, "keep.img", keep, Loaded)
	kept.expect("/b")
	if present := must(layouts(n.avert())); !slices.Equal(present, []uint32{newer.layout}) {
		t.Errorf("there are layouts %d", present)
	}
	for _, unit := range []string{"shop-checkout", "shop-keep"} {
		if err := newer.Unload(unit); err != nil {
			t.Fatal(err)
		}
	}
	c.expect("/a /b /both")
	kept.expect("/a /b /both")
	if names := must(newer.folder(newer.layout).attached()); len(names) > 0 {
		t.Errorf("still attached: %v", names)
	}
	clean(t, 0, newer)
}
