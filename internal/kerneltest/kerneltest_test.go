// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"github.com/avert-dev/avert/internal/kerneltest/wire"
	"github.com/avert-dev/avert/internal/vm"
)

// The profile of these tests: what a process may do depends on which program it is, and the lineage grows by `px`.
const lineage = `
profile first {
  / r,
  /** rwlk,
  /bin/a mrix,
  /bin/b mrpx -> first//second,
  /bin/script rix,
  audit deny /etc/secret r,
  signal, ptrace,
  profile second {
    / r,
    /** rwlk,
    /bin/{a,b} mrix,
    deny /etc/hosts w,
    capability net_raw,
    network,
  }
}
`

// TestRun tests the runner itself, with operations whose outcome on any kernel is known, and with a hundred
// lineages.
func TestRun(t *testing.T) {
	t.Parallel()
	vm.Matrix(t, func(t *testing.T, kernel string) {
		programs := []File{{Path: "/bin/a"}, {Path: "/bin/b"}, {Path: "/bin/none"}, {Path: "/bin/script", Kind: wire.Script, Text: "/bin/a"},
			{Path: "/bin/\xff\n\"", Kind: wire.Symlinked, Text: "b"}, {Path: "/etc/secret", Kind: wire.Regular}, {Path: "/etc/hosts", Kind: wire.Regular}}
		c := Case{Blobs: [][]byte{Compile(t, kernel, lineage)}, Profile: "first", Steps: []Step{
			{Op: wire.Start, Path: "/bin/a", Setup: programs},
			{Op: wire.Read, Path: "/etc/secret"},
			{Op: wire.Read, Path: "/nowhere"},
			{Op: wire.Write, Path: "/etc/hosts"},
			{Op: wire.Become, Path: "/bin/none"},
			{Op: wire.Spawn, Path: "/bin/none"},
			{Op: wire.Spawn, Path: "/bin/b"},
			{Op: wire.Become, Path: "/bin/script"},
			{Op: wire.Capability, N: [3]int64{13}},
			{Op: wire.Become, Path: "/bin/\xff\n\""},
			{Op: wire.Write, Path: "/etc/hosts"},
			{Op: wire.Capability, N: [3]int64{13}},
			{Op: wire.Read, Path: "/etc/secret"},
			{Op: wire.Start, Path: "/bin/a", Setup: programs},
			{Op: wire.Write, Path: "/etc/hosts"},
		}}
		denied := Outcome{Errno: syscall.EACCES}
		want := []Outcome{{}, denied, {Errno: syscall.ENOENT}, {}, denied, denied, {}, {}, {Errno: syscall.EACCES}, {}, denied, {}, {}, {}, {}}
		cases := slices.Concat([]Case{c}, Unconfined([]Case{c}))
		for range 5 {
			many := c
			many.Steps = nil
			for range 20 {
				many.Steps = append(many.Steps, Step{Op: wire.Start, Path: "/bin/a", Setup: programs}, Step{Op: wire.Become, Path: "/bin/a"},
					Step{Op: wire.Become, Path: "/bin/script"}, Step{Op: wire.Become, Path: "/bin/b"}, Step{Op: wire.Write, Path: "/etc/hosts"})
			}
			cases = append(cases, many)
		}
		outcomes := Run(t, kernel, cases)
		for i, o := range outcomes[0] {
			if o != want[i] {
				t.Errorf("step %d, %s %q: %v instead of %v", i, c.Steps[i].Op, c.Steps[i].Path, o, want[i])
			}
		}
		for i, o := range outcomes[1] {
			if !o.OK() && i != 2 {
				t.Errorf("step %d, %s %q, unconfined: %v", i, c.Steps[i].Op, c.Steps[i].Path, o)
			}
		}
		for i, outcomes := range outcomes[2:] {
			for k, o := range outcomes {
				if want := (k+1)%5 == 0; o.OK() == want || want && o != denied {
					t.Fatalf("of the many, case %d, step %d: %v", i, k, o)
				}
			}
		}
	})
}

// TestParse: outcomes that are not those of all steps are none.
func TestParse(t *testing.T) {
	cases := []Case{{Steps: make([]Step, 2)}, {Steps: make([]Step, 1)}}
	const first = `[{"Errno":13,"Stage":1},{"Killed":9}]`
	for output, valid := range map[string]bool{
		"junk\n" + wire.ResultMark + `{"Outcomes":[` + first + `,[{"Gone":true}]]}` + "\n": true,
		"junk\n" + wire.ResultMark + `{"Outcomes":[` + first + "]}\n":                      false,
		"junk\n" + wire.ResultMark + `{"Outcomes":[` + first + ",[]]}\n":                   false,
		"junk\n" + wire.ResultMark + `{"Outcomes":[` + first + `,[{"Go`:                    false,
		"junk\n": false,
	} {
		result, err := parse([]byte(output), cases)
		if (err == nil) != valid {
			t.Errorf("%q: %v", output, err)
		}
		if valid && fmt.Sprint(result.Outcomes) != "[[stage 1: permission denied killed: killed] [no process]]" {
			t.Errorf("%q: %v", output, result)
		}
	}
}
