// SPDX-License-Identifier: Apache-2.0

package apparmorbin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var kernels = []string{"5.10", "6.1", "6.12", "6.19"}

// compile compiles profiles for a kernel and returns them by name.
func compile(t *testing.T, kernel, source string) map[string]*Profile {
	t.Helper()
	profiles, err := NewParser(t, kernel).Compile("abi <abi/3.0>,\n" + source)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*Profile{}
	for _, p := range profiles {
		out[p.Name] = p
	}
	return out
}

// onAll runs a test with the policy of one profile "p" for every kernel.
func onAll(t *testing.T, rules string, check func(t *testing.T, p *Profile)) {
	for _, k := range kernels {
		t.Run(k, func(t *testing.T) {
			check(t, compile(t, k, "profile p {\n"+rules+"\n}\nprofile q { }\n")["p"])
		})
	}
}

func TestProfiles(t *testing.T) {
	got := compile(t, "6.12", `
profile root flags=(complain,audit,attach_disconnected) {
  /x cx -> child,
  profile child { /y r, }
}
profile pattern /usr/bin/{a,b*} { /z r, }
profile named /usr/bin/c { }
profile unconf flags=(unconfined) { }
`)
	want := map[string]Mode{"root": Complain, "root//child": Enforce, "pattern": Enforce, "named": Enforce, "unconf": ModeUnconfined}
	modes := map[string]Mode{}
	for name, p := range got {
		modes[name] = p.Mode
	}
	if d := cmp.Diff(want, modes); d != "" {
		t.Fatal(d)
	}
	if !got["root"].AuditAll || got["named"].AuditAll || got["root"].PathFlags == got["named"].PathFlags {
		t.Error("flags are lost")
	}
	for _, c := range []struct {
		profile, path string
		want          bool
	}{
		{"pattern", "/usr/bin/a", true}, {"pattern", "/usr/bin/bcd", true}, {"pattern", "/usr/bin/c", false},
		{"named", "/usr/bin/c", true}, {"named", "named", false}, {"root", "/x", false},
	} {
		if got[c.profile].Attaches(c.path) != c.want {
			t.Errorf("%s attaches to %s: want %v", c.profile, c.path, c.want)
		}
	}
	if !got["root//child"].File("/y", true).Has(Read) || got["root"].File("/y", true).Has(Read) {
		t.Error("the rules of a child are not its own")
	}
}

func TestFile(t *testing.T) {
	onAll(t, `
  /r r,
  /w w,
  /a a,
  /m m,
  /k k,
  /dir/ r,
  /glob/*/x rw,
  /deep/** r,
  owner /own rw,
  audit /audit r,
  deny /deep/secret rw,
  audit deny /deep/loud r,
  /deep/secret w,
`, func(t *testing.T, p *Profile) {
		const files = Exec | Write | Read | Append | Create | Delete | Open | SetAttr | Chmod | Chown | Lock | Map | Link
		const onWrite = Write | Append | Create | Delete | Open | SetAttr | Chmod | Chown
		for _, c := range []struct {
			path  string
			owner Owner
			allow Mask
		}{
			{"/r", true, Read | Open},
			{"/r", false, Read | Open},
			{"/r/", true, 0},
			{"/w", true, onWrite},
			{"/a", true, Append},
			{"/m", true, Map},
			{"/k", true, Lock},
			{"/dir/", true, Read | Open},
			{"/dir", true, 0},
			{"/glob/a/x", true, Read | onWrite},
			{"/glob//x", true, 0},
			{"/glob/a/b/x", true, 0},
			{"/deep/a/b", true, Read | Open},
			{"/deep/a/", true, Read | Open},
			{"/deep/", true, 0},
			{"/own", true, Read | onWrite},
			{"/own", false, 0},
			{"/audit", true, Read | Open},
			{"/deep/secret", true, 0},
			{"/deep/loud", true, 0},
			{"/nothing", true, 0},
		} {
			if got := p.File(c.path, c.owner).Allow & files; got != c.allow {
				t.Errorf("%s (owner %v): %b, want %b", c.path, c.owner, got, c.allow)
			}
		}
		if !p.File("/nothing", true).Has(GetAttr) {
			t.Error("stat is not always permitted")
		}
		if p.File("/audit", true).Audit&Read == 0 || p.File("/r", true).Audit != 0 {
			t.Error("audit")
		}
		if q := p.File("/deep/secret", true).Quiet; q&Read == 0 || q&Write == 0 {
			t.Error("a deny rule is quiet")
		}
		if p.File("/deep/loud", true).Quiet&Read != 0 || p.File("/nothing", true).Quiet != 0 {
			t.Error("other denials are not")
		}
	})
}

func TestExec(t *testing.T) {
	onAll(t, `
  /i ix,
  /p px,
  /P Px,
  /U Ux,
  /c cx,
  /pi pix,
  /PU PUx,
  /n px -> other,
  /ni pix -> other,
  /s px -> p//&other,
  /st px -> &other,
  /cn Cx -> inner,
  /ns px -> :space:other,
  /all/** ix,
  /all/exact px -> other,
  /all/{one,two{,/}} px -> other,
  deny /all/never x,
  owner /own ix,
  /data r,
`, func(t *testing.T, p *Profile) {
		for _, c := range []struct {
			path string
			want Transition
		}{
			{"/i", Transition{Kind: Inherit}},
			{"/p", Transition{Kind: Attached, Unsafe: true}},
			{"/P", Transition{Kind: Attached}},
			{"/U", Transition{Kind: Unconfined}},
			{"/c", Transition{Kind: Attached, Child: true, Unsafe: true}},
			{"/pi", Transition{Kind: Attached, Otherwise: Inherit, Unsafe: true}},
			{"/PU", Transition{Kind: Attached, Otherwise: Unconfined}},
			{"/n", Transition{Kind: Named, Target: "other", Unsafe: true}},
			{"/ni", Transition{Kind: Named, Target: "other", Otherwise: Inherit, Unsafe: true}},
			{"/s", Transition{Kind: Named, Target: "p//&other", Unsafe: true}},
			{"/st", Transition{Kind: Named, Target: "&other", Unsafe: true}},
			{"/cn", Transition{Kind: Named, Target: "p//inner"}},
			{"/ns", Transition{Kind: Named, Target: ":space:other", Unsafe: true}},
			{"/all/x/y", Transition{Kind: Inherit}},
			{"/all/exact", Transition{Kind: Named, Target: "other", Unsafe: true}},
			{"/all/one", Transition{Kind: Named, Target: "other", Unsafe: true}}, // braces of names are as exact as names
			{"/all/two", Transition{Kind: Named, Target: "other", Unsafe: true}},
			{"/all/onetwo", Transition{Kind: Inherit}},
			{"/own", Transition{Kind: Inherit}},
		} {
			got, ok := p.Exec(c.path, true)
			if d := cmp.Diff(c.want, got); d != "" || !ok {
				t.Errorf("%s: %v %s", c.path, ok, d)
			}
		}
		for _, path := range []string{"/all/never", "/data", "/nothing", "/i\x00"} {
			if tr, ok := p.Exec(path, true); ok {
				t.Errorf("%s may be executed: %v", path, tr)
			}
		}
		if _, ok := p.Exec("/own", false); ok {
			t.Error("an owner rule holds for others")
		}
	})
}

func TestLink(t *testing.T) {
	onAll(t, `
  /l/** l,
  /l/rw rwl,
  /t/ro r,
  /t/rw rw,
  link /pair -> /target,
  link subset /sub -> /t/*,
  /sub r,
  owner link /own -> /target,
`, func(t *testing.T, p *Profile) {
		for _, c := range []struct {
			link, target string
			owner        Owner
			want         bool
		}{
			{"/l/a", "/t/ro", true, true},
			{"/l/a", "/nothing", true, true},
			{"/l/rw", "/t/rw", true, true},
			{"/l/rw", "/t/ro", true, false}, // the link would allow more
			{"/pair", "/target", true, true},
			{"/pair", "/other", true, false},
			{"/sub", "/t/ro", true, true},
			{"/sub", "/t/none", true, false},
			{"/own", "/target", true, true},
			{"/own", "/target", false, false},
			{"/t/rw", "/t/ro", true, false},
			{"/pair", "/target\x00", true, false},
		} {
			if got, _ := p.Link(c.link, c.target, c.owner); got != c.want {
				t.Errorf("link %q to %q (owner %v): %v", c.link, c.target, c.owner, got)
			}
		}
	})
}

func TestCapability(t *testing.T) {
	onAll(t, "capability net_admin,\naudit capability bpf,\ndeny capability sys_admin,\ncapability chown,\ndeny capability chown,", func(t *testing.T, p *Profile) {
		for n, want := range map[int][3]bool{12: {true, false, false}, 39: {true, true, false}, 21: {false, false, true}, 0: {false, false, true}, 1: {}, 40: {}, 64: {}, -1: {}} {
			var got [3]bool
			got[0], got[1], got[2] = p.Capability(n)
			if got != want {
				t.Errorf("capability %d: %v, want %v", n, got, want)
			}
		}
	})
}

func TestNetwork(t *testing.T) {
	const inet, inet6, packet, stream, dgram, raw = 2, 10, 17, 1, 2, 3
	onAll(t, "network inet stream,\nnetwork packet,\ndeny network inet6 dgram,\nnetwork inet6,", func(t *testing.T, p *Profile) {
		for _, c := range []struct {
			family, kind uint16
			want         bool
		}{
			{inet, stream, true}, {inet, dgram, false}, {packet, raw, true}, {inet6, stream, true}, {inet6, dgram, false}, {16, raw, false},
		} {
			if got := p.Network(c.family, c.kind); got.Has(Read|Write) != c.want {
				t.Errorf("socket %d %d: %v", c.family, c.kind, got)
			}
		}
		if p.Network(inet6, dgram).Quiet == 0 || p.Network(inet, dgram).Quiet != 0 {
			t.Error("only what deny denies is quiet")
		}
	})
}

func TestSignal(t *testing.T) {
	onAll(t, "signal (send) set=(kill,term) peer=a,\nsignal (receive) peer=b**,\ndeny signal (send) set=(hup),\nsignal (send) set=(usr1),", func(t *testing.T, p *Profile) {
		const hup, kill, usr1, term = 1, 9, 10, 15
		for _, c := range []struct {
			number byte
			peer   []string
			want   Mask
		}{
			{kill, []string{"a"}, Send},
			{term, []string{"a"}, Send},
			{hup, []string{"a"}, 0},
			{kill, []string{"bcd"}, Receive},
			{kill, []string{"c"}, 0},
			{usr1, []string{"unconfined"}, Send},
			{kill, []string{"a", "a"}, Send},
			{kill, []string{"a", "b"}, 0},
			{kill, []string{"b", "c"}, Receive}, // `b**` matches the label as a whole
		} {
			if got := p.Signal(c.number, c.peer...).Allow & (Send | Receive); got != c.want {
				t.Errorf("signal %d %v: %b", c.number, c.peer, got)
			}
		}
		if p.Signal(hup, "a").Quiet&Send == 0 {
			t.Error("deny is quiet")
		}
	})
}

func TestPtrace(t *testing.T) {
	onAll(t, "ptrace (read,trace) peer=a,\nptrace (readby) peer=b,\nptrace tracedby peer=c//**,", func(t *testing.T, p *Profile) {
		for peer, want := range map[string]Mask{"a": Trace | TraceRead, "b": BeTraceRead, "c//d": BeTraced, "d": 0} {
			if got := p.Ptrace(peer).Allow & (Trace | TraceRead | BeTraced | BeTraceRead); got != want {
				t.Errorf("ptrace %s: %b, want %b", peer, got, want)
			}
		}
	})
}

func TestMount(t *testing.T) {
	const ro, nosuid, remount, bind, move, rec = 1, 2, 32, 4096, 8192, 16384
	onAll(t, `
  mount fstype=ext4 options=(ro,nosuid) /dev/sda -> /mnt/,
  mount fstype=tmpfs options in (ro,nosuid) -> /tmp/*/,
  mount options=(rw,bind) /src/ -> /dst/,
  mount options=(rw,move) /from/ -> /to/,
  remount options=(remount,ro) /r/,
  mount fstype=proc proc -> /d/,
  deny mount fstype=tmpfs -> /tmp/never/,
  umount /mnt/,
  pivot_root oldroot=/new/old/ /new/,
`, func(t *testing.T, p *Profile) {
		for _, c := range []struct {
			call MountCall
			want bool
		}{
			{MountCall{Target: "/mnt/", Source: "/dev/sda", Type: "ext4", Flags: ro | nosuid}, true},
			{MountCall{Target: "/mnt/", Source: "/dev/sda", Type: "ext4", Flags: ro | nosuid, Data: "data=journal"}, true},
			{MountCall{Target: "/mnt/", Source: "/dev/sda", Type: "ext4", Flags: ro}, false},
			{MountCall{Target: "/mnt/", Source: "/dev/sdb", Type: "ext4", Flags: ro | nosuid}, false},
			{MountCall{Target: "/mnt/", Source: "/dev/sda", Type: "xfs", Flags: ro | nosuid}, false},
			{MountCall{Target: "/mnt/x/", Source: "/dev/sda", Type: "ext4", Flags: ro | nosuid}, false},
			{MountCall{Target: "/tmp/a/", Source: "any", Type: "tmpfs", Flags: ro}, true},
			{MountCall{Target: "/tmp/a/", Source: "any", Type: "tmpfs"}, true},
			{MountCall{Target: "/tmp/a/", Source: "any", Type: "tmpfs", Flags: rec}, false},
			{MountCall{Target: "/tmp/never/", Source: "any", Type: "tmpfs"}, false},
			{MountCall{Target: "/dst/", Source: "/src/", Flags: bind}, true},
			{MountCall{Target: "/dst/", Source: "/src/", Flags: bind | rec}, false},
			{MountCall{Target: "/to/", Source: "/from/", Flags: move}, true},
			{MountCall{Target: "/r/", Flags: remount | ro}, true},
			{MountCall{Target: "/r/", Flags: bind}, false},
			// The parser adds a second rule to some of those that mix kinds of
			// flags, and it says more than the profile.
			{MountCall{Target: "/r/", Flags: ro}, true},
			{MountCall{Target: "/dst/", Source: "/src/", Type: "ext4"}, true},
			{MountCall{Target: "/d/", Source: "proc", Type: "proc"}, true},
		} {
			if got := p.Mount(c.call); got.Has(Mount) != c.want {
				t.Errorf("mount %+v: %+v", c.call, got)
			}
		}
		if !p.Umount("/mnt/").Has(Umount) || p.Umount("/d/").Has(Umount) {
			t.Error("umount")
		}
		if !p.PivotRoot("/new/", "/new/old/").Has(Pivot) || p.PivotRoot("/new/", "/old/").Has(Pivot) {
			t.Error("pivot_root")
		}
	})
}

// TestEmptyProfile: a profile without rules denies every class that the features
// know.
func TestEmptyProfile(t *testing.T) {
	for _, k := range kernels {
		p := compile(t, k, "profile p { }")["p"]
		if p.File("/a", true).Has(Read) || p.Network(2, 1).Has(Read) || p.Mount(MountCall{Target: "/"}).Has(Mount) ||
			p.Signal(9, "a").Has(Send) || p.Ptrace("a").Has(Trace) {
			t.Errorf("%s: an empty profile permits something", k)
		}
	}
}

func TestParserSpeaks(t *testing.T) {
	parser := NewParser(t, "6.12")
	_, messages, err := parser.Policy("abi <abi/3.0>,\nprofile p { /a\\z r, }\n")
	if err != nil || !strings.Contains(messages, "unnecessarily") {
		t.Errorf("no warning: %v %q", err, messages)
	}
	if _, err := parser.Compile("profile p { /a zz, }"); err == nil {
		t.Error("no error")
	}
}
