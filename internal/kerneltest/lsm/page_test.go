// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/vm"
)

const page = "../../../docs/evasions.md"

// TestPage holds that the documentation says what the kernels did, and that there are as many results as there should be.
func TestPage(t *testing.T) {
	var numbers []int
	for _, r := range Rows {
		if r.Number > 0 {
			numbers = append(numbers, r.Number)
		}
	}
	want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}
	if !slices.Equal(numbers, want) {
		t.Errorf("the rows are %v instead of %v", numbers, want)
	}
	outcomes, results := map[string]string{}, 0
	for _, kernel := range vm.Kernels {
		data, err := os.ReadFile("testdata/" + kernel + ".txt")
		needs.NoError(t, err)
		lines := slices.Collect(strings.Lines(string(data)))
		trials := trials(kernel)
		if len(lines) != len(trials) {
			t.Fatalf("kernel %s: %d results of %d attempts", kernel, len(lines), len(trials))
		}
		for i, line := range lines {
			came, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), fmt.Sprintf("%d\t%s\t", trials[i].Row, trials[i].Name))
			if !ok {
				t.Fatalf("kernel %s: result %d is %q, and the attempt is %s of row %d", kernel, i, line, trials[i].Name, trials[i].Row)
			}
			outcomes[key(trials[i].Policy, trials[i].Row, trials[i].Name, kernel)] = came
			results++
		}
	}
	const expected = 512
	if results != expected {
		t.Errorf("%d results instead of %d", results, expected)
	}
	got := render(outcomes)
	if *update {
		needs.NoError(t, os.WriteFile(page, []byte(got), 0o644))
	}
	have, err := os.ReadFile(page)
	needs.NoError(t, err)
	if diff := cmp.Diff(string(have), got); diff != "" {
		t.Errorf("%s is not what testdata says: go test ./internal/kerneltest/lsm -run TestPage -update\n%s", page, diff)
	}
}

func key(policy string, row int, name, kernel string) string {
	return fmt.Sprint(policy, "\t", row, "\t", name, "\t", kernel)
}

// render writes the page.
func render(outcomes map[string]string) string {
	var b strings.Builder
	b.WriteString(`<!-- Made by go test ./internal/kerneltest/lsm -run TestPage -update from what kernels did. Do not edit. -->
# Ways around a policy under the eBPF LSM

Each row is a way around a policy, tried by processes in a container: once without a policy, where every attempt reaches its
effect, and once with the policy loaded by avert-node. An attempt is held when the kernel refuses it and nothing has changed
afterwards. The containers run as root with all capabilities, without seccomp and without another security module, so that nothing
else refuses. Policies of the attempts: internal/kerneltest/lsm/lsm.go.

| # | way | attempts |`)
	for _, kernel := range vm.Kernels {
		b.WriteString(" " + kernel + " |")
	}
	b.WriteString("\n| --- | --- | --- |" + strings.Repeat(" --- |", len(vm.Kernels)) + "\n")
	for _, r := range Rows {
		var names []string
		for _, a := range r.Attempts {
			if !a.Work {
				names = append(names, a.Name)
			}
		}
		if len(names) == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %d | %s | %s |", r.Number, r.Vector, strings.Join(names, ", "))
		for _, kernel := range vm.Kernels {
			held, tried := 0, 0
			for _, name := range names {
				if came, ok := outcomes[key(r.Policy, r.Number, name, kernel)]; ok {
					tried++
					if came == refused {
						held++
					}
				}
			}
			switch {
			case held == tried:
				fmt.Fprintf(&b, " held (%d) |", tried)
			default:
				fmt.Fprintf(&b, " **%d of %d held** |", held, tried)
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\nIn the same containers everything works that the policies allow: ")
	var works []string
	for _, r := range Rows {
		for _, a := range r.Attempts {
			if a.Work && !slices.Contains(works, a.Name) {
				works = append(works, a.Name)
			}
		}
	}
	fmt.Fprintf(&b, "%s.\n", strings.Join(works, ", "))
	return b.String()
}
