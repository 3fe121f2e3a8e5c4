// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestProcesses: a number that another process has by now is not described.
func TestProcesses(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(root+"/7/attr", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("stat", "cpu 1\nbtime 1000\n")
	write("7/stat", "7 (a) b (c) S 3 "+strings.Repeat("0 ", 17)+"500 0\n")
	write("7/attr/current", "avert.u")
	write("7/cmdline", "cat\x00/x y\x00\n\x00"+strings.Repeat("a\x00", 100))
	write("7/cgroup", "1:name=systemd:/old\n0::/kubepods/pod1\n")
	write("7/status", "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n")
	if err := os.Symlink("/bin/cat", root+"/7/exe"); err != nil {
		t.Fatal(err)
	}
	p := Open(root)
	for _, test := range []struct {
		pid   int
		at    int64
		unit  string
		state string
	}{{7, 1005, "avert.u", Running}, {7, 1002, "avert.u", Reused}, {7, 1005, "avert.other", Reused}, {8, 1005, "avert.u", Gone}} {
		who := p.Read(test.pid, time.Unix(test.at, 0), func(current string) bool { return current == test.unit })
		if who.PID != test.pid || who.State != test.state || (who.Exe != "") != (test.state == Running) {
			t.Errorf("%+v: %+v", test, who)
		}
		if test.state == Running && (who.PPID != 3 || who.Exe != "/bin/cat" || len(who.Args) != maxArgs || who.Args[1] != "/x y" || who.Cgroup != "/kubepods/pod1" || *who.UID != 1 || *who.GID != 5) {
			t.Errorf("%+v", who)
		}
	}
	if who := p.Read(7, time.Unix(1005, 0), nil); who.State != Running {
		t.Errorf("without a label: %+v", who)
	}
}
