// SPDX-License-Identifier: Apache-2.0

//go:build guest

package audit

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/runtime/process"
)

// burst is the number of denials at once: dmesg would show ten of them.
const burst = 500

// start runs a shell script in a profile. The script is over when it says so;
// the shell lives until the test ends.
func start(t *testing.T, profile, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/busybox", "sh", "-c", "{ "+script+"\n} > /dev/null 2>&1; echo over; read x")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	// The thread that forks has the profile that its next exec changes to.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := os.WriteFile("/proc/thread-self/attr/exec", []byte("exec "+profile), 0); err != nil {
		t.Fatal(err)
	}
	err = cmd.Start()
	_ = os.WriteFile("/proc/thread-self/attr/exec", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	if _, err := fmt.Fscanln(stdout, new(string)); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// load puts the profiles of the host into the kernel.
func load(t *testing.T) {
	t.Helper()
	blob, err := os.ReadFile("/profiles")
	if err == nil {
		err = os.WriteFile("/sys/kernel/security/apparmor/.replace", blob, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Auditd not being there the kernel's log would get each record as well.
	_ = os.WriteFile("/proc/sys/kernel/printk", []byte("1"), 0)
}

func listen(t *testing.T) *Socket {
	t.Helper()
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// read returns all that has arrived, and how much was lost.
func read(t *testing.T, s *Socket, x *Explainer) (groups []*Group, lost uint64) {
	t.Helper()
	var a Assembler
	for {
		r, n, err := s.Receive(500 * time.Millisecond)
		lost += n
		if err == ErrIdle {
			return append(groups, a.Flush()...), lost
		}
		if err != nil {
			t.Fatal(err)
		}
		x.Look(&r)
		groups = append(groups, a.Add(r)...)
	}
}

func explainer(t *testing.T) *Explainer {
	t.Helper()
	var tables []*ruletable.Table
	for _, name := range []string{"/enforced.rules.json", "/trial.rules.json"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		table, err := ruletable.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	x, err := NewExplainer(tables)
	if err != nil {
		t.Fatal(err)
	}
	x.Processes = process.Open("/proc")
	return x
}

func alerts(x *Explainer, groups []*Group) (out []event.Event) {
	for _, g := range groups {
		out = append(out, x.Events(g)...)
	}
	return out
}

// TestGuestKinds holds what alerts say of each kind of denial.
func TestGuestKinds(t *testing.T) {
	load(t)
	s := listen(t)
	start(t, "avert.u", `
mkdir -p /tmp/ok; echo > /tmp/ok/a
true > /tmp/no
mkdir /tmp/nodir
mv /tmp/ok/a /tmp/b
ln /tmp/ok/a /tmp/l
chmod 1 /etc
chown 1 /etc
cat /secret/x
/bin/no
mount -t tmpfs x /tmp/ok
kill -0 1
nc -w 1 127.0.0.1 80
cat /etc/hostname`)
	start(t, "avert.trial", `true > /tmp/trial`)
	start(t, "avert.u//&avert.u//d3", `cat /secret/y /secret/x`)
	x := explainer(t)
	groups, lost := read(t, s, x)
	if lost > 0 {
		t.Errorf("%d records lost", lost)
	}
	var got []string
	for _, e := range alerts(x, groups) {
		o := e.Object
		line := fmt.Sprintf("%s %s %s %s %t %s", e.Verdict, e.Operation, strings.Join(e.Access, ","), e.Rule, e.Certain, o.Path+o.Target+o.Capability+o.Family)
		if len(got) == 0 || got[len(got)-1] != line { // mount tries twice
			got = append(got, line)
		}
		if e.Position == nil && e.Verdict == event.Block {
			t.Errorf("no rule: %s", e.Line())
		}
	}
	want := []string{
		"Block mknod create file/tmp true /tmp/no",
		"Block mkdir create file/tmp true /tmp/nodir",
		"Block rename_dest create,delete file/tmp true /tmp/b",
		"Block link link file/default true /tmp/ok/a/tmp/l",
		"Block chmod chmod file/default true /etc",
		"Block chown chown file/default true /etc",
		"Block open read file/secret true /secret/x",
		"Block exec  process/no true /bin/no",
		"Block mount  system/default true /tmp/ok",
		"Block signal  system/default true unconfined",
		"Block create  network/default true inet",
		"WouldBlock mknod create file/tmp true /tmp/trial",
		"WouldBlock open write,create file/tmp true /tmp/trial",
		"Block open read file/secret true /secret/x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// TestGuestBurst: every denial of a burst becomes an alert, whatever the names.
func TestGuestBurst(t *testing.T) {
	load(t)
	s := listen(t)
	before := status(t)
	hostile := "/tmp/x\" apparmor=\"ALLOWED\" name=\"a\n{\"time\":\"\"}\xff\x80 (deleted)\x1b[2J"
	cmd := start(t, "avert.u", fmt.Sprintf("i=0; while [ $i -lt %d ]; do true > /tmp/burst$i; i=$((i+1)); done; true > \"$(printf '%s')\"", burst, octal(hostile)))
	x := explainer(t)
	groups, lost := read(t, s, x)
	got := alerts(x, groups)
	if len(got) != burst+1 || lost > 0 {
		t.Fatalf("%d alerts of %d denials, %d lost", len(got), burst+1, lost)
	}
	if after := status(t); after.Lost != before.Lost || after.BacklogLimit != 8192 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	for i, e := range got {
		want := fmt.Sprintf("/tmp/burst%d", i)
		if i == burst {
			want = hostile
		}
		if string(e.Object.Path) != want || e.Rule != "file/tmp" || e.Verdict != event.Block {
			t.Errorf("alert %d: %s", i, e.Line())
		}
		if line := e.Line(); strings.Count(string(line), "\n") != 1 {
			t.Errorf("more than one line: %q", line)
		}
	}
	p := got[0].Process
	if p.PID != cmd.Process.Pid || p.State != process.Running || p.Exe != "/bin/busybox" || p.PPID != os.Getpid() || len(p.Args) != 4 || *p.UID != 0 || p.Cgroup != "/" {
		t.Errorf("the process is %+v", p)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	denial := groups[0].Denials[0]
	x.Look(&denial)
	if e := x.Events(&Group{Time: groups[0].Time, Denials: []Record{denial}})[0]; e.Process.State != process.Gone || e.Process.Exe != "" || e.Process.PID != cmd.Process.Pid {
		t.Errorf("after its end the process is %+v", e.Process)
	}
}

// octal writes bytes for printf.
func octal(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\%03o`, s[i])
	}
	return b.String()
}

func status(t *testing.T) Status {
	t.Helper()
	s, err := ReadStatus()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestGuestLost: records that the kernel had no room for are counted.
func TestGuestLost(t *testing.T) {
	load(t)
	s := listen(t)
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<10); err != nil {
		t.Fatal(err)
	}
	start(t, "avert.u", fmt.Sprintf("i=0; while [ $i -lt %d ]; do true > /tmp/lost$i; i=$((i+1)); done", burst))
	// Reading begins again, and a last denial arrives.
	x := explainer(t)
	groups, before := read(t, s, x)
	start(t, "avert.u", "cat /secret/x")
	more, after := read(t, s, x)
	received := uint64(len(groups) + len(more))
	if received >= burst || before == 0 && after == 0 || received+before+after > burst+2 {
		t.Errorf("%d denials: %d received, %d and %d lost", burst+1, received, before, after)
	}
}

// TestGuestWithoutCapability: what is missing is said in words.
func TestGuestWithoutCapability(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		t.Fatal(err)
	}
	if s, err := Listen(); err == nil || !strings.Contains(err.Error(), "CAP_AUDIT_READ") {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := ReadStatus(); err == nil || !strings.Contains(err.Error(), "CAP_AUDIT_CONTROL") {
		t.Errorf("%v, %v", s, err)
	}
}

// TestNoAudit is run where audit is disabled.
func TestNoAudit(t *testing.T) {
	if s, err := Listen(); err == nil || !strings.Contains(err.Error(), "audit=0") {
		t.Errorf("%v, %v", s, err)
	}
}
