// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/ruletable"
	"github.com/avert-dev/avert/runtime/event"
)

func TestParseLine(t *testing.T) {
	at := time.Unix(1700000000, 123e6).UTC()
	for line, want := range map[string]Record{
		`type=AVC msg=audit(1700000000.123:45): apparmor="DENIED" x=1`:                    {Type: 1400, Body: `apparmor="DENIED" x=1`},
		"node=n1 type=AVC msg=audit(1700000000.123:45): a=1\x1dUID=\"root\"\n":            {Type: 1400, Body: `a=1`},
		`type=UNKNOWN[1400] msg=audit(1700000000.123:45): a=1`:                            {Type: 1400, Body: `a=1`},
		`type=1400 audit(1700000000.123:45): a=1`:                                         {Type: 1400, Body: `a=1`},
		`[   12.345678] audit: type=1400 audit(1700000000.123:45): a=1`:                   {Type: 1400, Body: `a=1`},
		`Nov 23 10:00:00 host kernel: [1.2] audit: type=1400 audit(1700000000.123:45): a`: {Type: 1400, Body: `a`},
		`type=SYSCALL msg=audit(1700000000.123:45): ppid=7`:                               {Type: 1300, Body: `ppid=7`},
		`type=EOE msg=audit(1700000000.123:45): `:                                         {Type: 1320},
	} {
		want.Time, want.Serial = at, 45
		if got, ok := ParseLine(line); !ok || !cmp.Equal(got, want) {
			t.Errorf("%q: %+v, %t", line, got, ok)
		}
	}
	for _, line := range []string{
		"", "x", "type=AVC", `type=USER_AVC msg=audit(1700000000.123:45): pid=1 msg='avc:  denied  { read } for  pid=1'`,
		`type=1107 audit(1700000000.123:45): x`, `type=AVC msg=audit(x): y`, `type=AVC msg=audit(1.2:3 y`, `type=AVC msg=audit(1.1000:3): y`,
		`type=USER_LOGIN msg=audit(1.2:3): op="x audit: type=1400 audit(1.2:3): apparmor=DENIED"`,
		"type=AVC msg=audit(1.2:3): " + strings.Repeat("x", maxRecord),
	} {
		if got, ok := ParseLine(line); ok {
			t.Errorf("%q is taken as %+v", line, got)
		}
	}
}

// TestFields: no bytes that a process chose become another field.
func TestFields(t *testing.T) {
	f := parseFields(`apparmor="DENIED" profile="a" name=2F780A617070 comm="x" name="/forged" word pid=7 uid=4294967295 info="a b" capability=21  capname="sys_admin" last`)
	bytes := func(key string) string { s, _ := f.bytes(key); return s }
	if bytes("name") != "/x\napp" || bytes("comm") != "x" || f.word("info") != "a b" || f.word("capname") != "sys_admin" || f.id("uid") != nil {
		t.Errorf("%+v", f)
	}
	if n, ok := f.number("pid"); !ok || n != 7 {
		t.Errorf("pid %d, %t", n, ok)
	}
	if _, ok := f.bytes("absent"); ok {
		t.Error("an absent field is there")
	}
}

// summary is what tests compare of alerts.
func summary(events []event.Event) []string {
	var out []string
	for _, e := range events {
		o := e.Object
		line := fmt.Sprintf("%s %s/%s [%s] %s certain=%t", e.Verdict, e.Section, e.Operation, strings.Join(e.Access, ","), e.Rule, e.Certain)
		if e.Policy == nil {
			line = fmt.Sprintf("%s %s/%s [%s] no rule", e.Verdict, e.Section, e.Operation, strings.Join(e.Access, ","))
		}
		for _, text := range []event.Text{o.Path, o.Target, o.Capability, o.Family, o.Type, o.Protocol, o.Address} {
			if text != "" {
				line += " " + string(text)
			}
		}
		if o.Port > 0 {
			line += fmt.Sprint(" ", o.Port)
		}
		out = append(out, line)
	}
	return out
}

func tables(t testing.TB) *Explainer {
	t.Helper()
	var list []*ruletable.Table
	for _, name := range []string{"enforced", "trial", "selinux"} {
		data, err := os.ReadFile("testdata/" + name + ".rules.json")
		if err != nil {
			t.Fatal(err)
		}
		table, err := ruletable.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, table)
	}
	x, err := NewExplainer(list)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestEvents: what records of either module become. Those of AppArmor are as
// kernels wrote them.
//
//proves:apparmor alerts
//proves:selinux alerts
func TestEvents(t *testing.T) {
	x := tables(t)
	const se = " for  pid=9 comm=\"x\" %s scontext=system_u:system_r:avert_t:s0:c1,c2 tcontext=system_u:object_r:shadow_t:s0 tclass=%s permissive=%d"
	for _, test := range []struct {
		body string
		want []string
	}{
		{`apparmor="DENIED" operation="open" class="file" profile="avert.u" name="/secret/x" pid=161 comm="cat" requested_mask="r" denied_mask="r" fsuid=0 ouid=0`,
			[]string{"Block file/open [read] file/secret certain=true /secret/x"}},
		{`apparmor="DENIED" operation="mkdir" class="file" profile="avert.u" name="/tmp/nodir/" pid=152 comm="mkdir" requested_mask="c" denied_mask="c" fsuid=0 ouid=0`,
			[]string{"Block file/mkdir [create] file/tmp certain=true /tmp/nodir"}},
		{`apparmor="DENIED" operation="rename_src" profile="avert.u" name="/tmp/b" pid=154 comm="mv" requested_mask="wrd" denied_mask="wrd" fsuid=0 ouid=0`,
			[]string{"Block file/rename_src [rename] file/tmp certain=true /tmp/b"}},
		{`apparmor="DENIED" operation="link" class="file" profile="avert.u" name="/tmp/l" pid=155 comm="ln" requested_mask="l" denied_mask="l" fsuid=0 ouid=0 target="/tmp/ok/a"`,
			[]string{"Block file/link [link] file/default certain=true /tmp/ok/a /tmp/l"}},
		{`apparmor="DENIED" operation="file_mmap" profile="avert.u" name="/x" pid=1 comm="x" requested_mask="m" denied_mask="m" fsuid=0 ouid=0`,
			[]string{"Block file/file_mmap [map] file/default certain=true /x"}},
		{`apparmor="DENIED" operation="exec" class="file" profile="avert.u" name="/bin/no" pid=1 comm="sh" requested_mask="x" denied_mask="x" fsuid=0 ouid=0`,
			[]string{"Block process/exec [] process/no certain=true /bin/no"}},
		{`apparmor="DENIED" operation="exec" info="no new privs" error=-1 profile="avert.u" name="/bin/yes" pid=1 comm="sh" requested_mask="x" denied_mask="x"`,
			[]string{"Block process/exec [] no rule /bin/yes"}},
		{`apparmor="DENIED" operation="open" info="Failed name lookup - disconnected path" error=-13 profile="avert.u" name="tmp/x" pid=1 comm="x" requested_mask="r" denied_mask="r"`,
			[]string{"Block file/open [read] file/(unresolved) certain=true tmp/x"}},
		{`apparmor="DENIED" operation="exec" info="Failed name lookup - deleted entry" error=-2 profile="avert.u" name="/tmp/x (deleted)" pid=1 comm="x" requested_mask="x" denied_mask="x"`,
			[]string{"Block process/exec [] no rule /tmp/x (deleted)"}},
		{`apparmor="DENIED" operation="capable" class="cap" profile="avert.u" pid=166 comm="umount" capability=21  capname="sys_admin"`,
			[]string{"Block capabilities/capable [] capabilities/default certain=true SYS_ADMIN"}},
		{`apparmor="DENIED" operation="mount" class="mount" info="failed mntpnt match" error=-13 profile="avert.u" name="/tmp/ok/" pid=163 comm="mount" fstype="tmpfs" srcname="x" flags="rw, silent"`,
			[]string{"Block system/mount [] system/default certain=true /tmp/ok"}},
		{`apparmor="DENIED" operation="ptrace" profile="avert.u" pid=1 comm="x" requested_mask="trace" denied_mask="trace" peer="unconfined"`,
			[]string{"Block system/ptrace [] system/default certain=true unconfined"}},
		{`apparmor="DENIED" operation="connect" profile="avert.u" pid=1 comm="nc" family="inet" sock_type="stream" protocol=6 requested_mask="connect" denied_mask="connect" laddr=10.0.0.1 lport=4 faddr=10.0.0.2 fport=80`,
			[]string{"Block network/connect [] network/default certain=true inet stream TCP 10.0.0.2 80"}},
		{`apparmor="DENIED" operation="create" class="net" profile="avert.u" pid=169 comm="nc" family="unix" sock_type="stream" protocol=0 requested_mask="create" denied_mask="create"`,
			[]string{"Block network/create [] no rule unix stream"}},
		{`apparmor="ALLOWED" operation="open" class="file" profile="avert.trial" name="/tmp/no" pid=171 comm="busybox" requested_mask="wc" denied_mask="wc" fsuid=0 ouid=0`,
			[]string{"WouldBlock file/open [write,create] file/tmp certain=true /tmp/no"}},
		{`apparmor="ALLOWED" operation="open" profile="avert.trial//null-/bin/x" name="/etc/x" pid=171 comm="busybox" requested_mask="r" denied_mask="r"`,
			nil}, // no rule is about it
		{`apparmor="AUDIT" operation="open" class="file" profile="avert.u" name="/etc/x" pid=1 comm="x" requested_mask="r" fsuid=0 ouid=0`, nil},
		// A profile that the operator of the node only lets complain.
		{`apparmor="ALLOWED" operation="open" class="file" profile="avert.u" name="/secret/x" pid=1 comm="x" requested_mask="r" denied_mask="r" fsuid=0 ouid=0`,
			[]string{"WouldBlock file/open [read] file/secret certain=true /secret/x"}},
		{`apparmor="DENIED" operation="open" profile="other" name="/secret/x" pid=1 comm="x" requested_mask="r" denied_mask="r"`, nil},
		{`apparmor="STATUS" operation="profile_load" profile="avert.u" name="avert.u" pid=1 comm="x"`, nil},
		{"avc:  denied  { read }" + fmt.Sprintf(se, `name="shadow" dev="sda" ino=1`, "file", 0),
			[]string{"Block file/read [read] file/volume certain=false shadow"}},
		{"avc:  denied  { sys_admin }" + fmt.Sprintf(se, `capability=21`, "capability", 0),
			[]string{"Block capabilities/sys_admin [] capabilities/default certain=true SYS_ADMIN"}},
		{"avc:  denied  { name_connect }" + fmt.Sprintf(se, `dest=80`, "tcp_socket", 0),
			[]string{"Block network/name_connect [] network/default certain=true stream TCP 80"}},
		{"avc:  denied  { sys_module }" + fmt.Sprintf(se, `capability=16`, "capability", 1),
			[]string{"WouldBlock capabilities/sys_module [] capabilities/default certain=true SYS_MODULE"}},
		{"avc:  denied  { create }" + fmt.Sprintf(se, ``, "netlink_route_socket", 1), nil},
		{"avc:  granted  { sys_ptrace }" + fmt.Sprintf(se, ``, "cap_userns", 0),
			[]string{"Audit capabilities/sys_ptrace [] capabilities/trace certain=true SYS_PTRACE"}},
		{"avc:  denied  { ptrace }" + fmt.Sprintf(se, ``, "process", 0), []string{"Block system/ptrace [] no rule"}},
		{"avc:  denied  { transfer }" + fmt.Sprintf(se, ``, "binder", 0), []string{"Block /transfer [] no rule"}},
		{"avc:  denied  { read } pid=1", nil},
	} {
		got := summary(x.Events(&Group{Denials: []Record{{Body: test.body}}}))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.body, diff)
		}
	}
}

// TestStack: what stacked profiles report of one operation is one alert, and
// what a process does twice are two.
func TestStack(t *testing.T) {
	record := func(serial uint64, profile string, millis int) Record {
		return Record{Type: typeAVC, Serial: serial, Time: time.UnixMilli(int64(millis)),
			Body: `apparmor="DENIED" operation="open" profile="` + profile + `" name="/secret/x" pid=1 comm="x" requested_mask="r" denied_mask="r"`}
	}
	var a Assembler
	var groups []*Group
	for _, r := range []Record{
		record(1, "avert.u", 1), record(2, "avert.u//d3", 1), record(3, "avert.u", 1), record(4, "avert.u", 1),
		record(5, "avert.u//d3", 900), {Type: typeSyscall, Serial: 5, Time: time.UnixMilli(900), Body: `ppid=7 uid=1 exe="/bin/cat"`},
		{Type: typeProctitle, Serial: 5, Time: time.UnixMilli(900), Body: `proctitle=636174002F78`}, {Type: typeEOE, Serial: 5, Time: time.UnixMilli(900)},
		{Type: typeSyscall, Serial: 6, Time: time.UnixMilli(901)},
	} {
		groups = append(groups, a.Add(r)...)
	}
	groups = append(groups, a.Flush()...)
	var got []string
	x := tables(t)
	for _, g := range groups {
		for _, e := range x.Events(g) {
			got = append(got, fmt.Sprint(g.Serial, " ", e.Profile, " ", e.Process.PPID, " ", e.Process.Exe, " ", e.Process.Args))
		}
	}
	want := []string{"5 avert.u//d3 7 /bin/cat [cat /x]", "1 avert.u//d3 0  []", "3 avert.u 0  []", "4 avert.u 0  []"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTwoTables: a label is that of one unit.
func TestTwoTables(t *testing.T) {
	read := func(unit string) *ruletable.Table {
		table, err := ruletable.Decode([]byte(`{"version":1,"unit":"` + unit + `","namespace":"n","label":"l","policies":null}`))
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	if _, err := NewExplainer([]*ruletable.Table{read("a"), read("a")}); err != nil {
		t.Error(err)
	}
	if _, err := NewExplainer([]*ruletable.Table{read("a"), read("b")}); err == nil || !strings.Contains(err.Error(), `"a" and "b"`) {
		t.Errorf("%v", err)
	}
}

// TestConfined: what /proc says of a process tells its unit.
func TestConfined(t *testing.T) {
	if !confined("avert.u//&avert.u//d3 (enforce)\n", "avert.u") || confined("avert.u (enforce)\n", "avert.other") ||
		!confined("u:r:avert_t:s0\x00", "avert_t") || confined("unconfined\n", "avert.u") {
		t.Error("labels are not told apart")
	}
}

// FuzzRecords: whatever is in a log, nothing panics, and every alert is a line.
func FuzzRecords(f *testing.F) {
	log, err := os.ReadFile("testdata/audit.log")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		f.Add(line)
	}
	x := tables(f)
	f.Fuzz(func(t *testing.T, line string) {
		var a Assembler
		var groups []*Group
		for l := range strings.Lines(line) {
			if r, ok := ParseLine(l); ok {
				groups = append(groups, a.Add(r)...)
			}
			if r, err := parse(typeAVC, l); err == nil {
				groups = append(groups, a.Add(r)...)
			}
		}
		for _, g := range append(groups, a.Flush()...) {
			for _, e := range x.Events(g) {
				if out := string(e.Line()); strings.Count(out, "\n") != 1 || !strings.HasSuffix(out, "}\n") {
					t.Fatalf("not a line: %q", out)
				}
			}
		}
	})
}
