// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	_ "embed"
	"encoding/gob"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avert-dev/avert/compiler"
	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/internal/apparmorbin"
	"github.com/avert-dev/avert/internal/needs"
	"github.com/avert-dev/avert/internal/testimage"
	"github.com/avert-dev/avert/internal/vm"
)

var update = flag.Bool("update", false, "write testdata anew from what the benchmarks measure, and docs/performance.md from testdata")

// kernel is the one that operations are measured on.
const kernel = "6.12"

// Rows that others are compared with. Nothing is attached in the first; the second is an unconfined process in a kernel with
// AppArmor.
const (
	nothing    = "nothing enforces"
	unconfined = "AppArmor, unconfined"
)

// BenchmarkLSM measures operations of a governed process by the number of rules and of policies, of one that is in no governed
// container, and under a linear scan.
func BenchmarkLSM(b *testing.B) {
	p := newPlan(b, vm.None)
	p.measure(nothing, Step{Measure, "", "free"})
	p.measure("linear scan of 50 prefixes, opens only", Step{Scan, "", "scan"})
	for _, n := range []int{1, 1000, 10_000, 100} {
		p.load(b, "bench", n)
		p.measure(fmt.Sprintf("eBPF LSM, rules: %d", n), Step{Measure, "", "bench"})
	}
	p.measure("eBPF LSM, not governed", Step{Measure, "", "free"})
	for i := range 99 {
		p.load(b, fmt.Sprint("other-", i), 10)
	}
	p.measure("eBPF LSM, rules: 100, policies: 100", Step{Measure, "", "bench"})
	p.run(b)
}

// BenchmarkAppArmor measures operations under AppArmor, with the same policies but the largest, which has more states than
// its automata can have.
func BenchmarkAppArmor(b *testing.B) {
	parser := apparmorbin.NewParser(b, kernel)
	p := newPlan(b, vm.AppArmor)
	p.measure(unconfined, Step{Measure, "", "free"})
	for _, n := range []int{1, 100, 1000} {
		name, text := profile(b, Policy("bench", n))
		policy, messages, err := parser.Policy(text)
		if err != nil {
			b.Fatalf("apparmor_parser: %v: %s", err, messages)
		}
		p.take(Step{LoadAppArmor, p.file(policy), ""})
		p.measure(fmt.Sprintf("AppArmor, rules: %d", n), Step{Measure, name, ""})
	}
	p.run(b)
}

// BenchmarkLoad measures on each kernel what it takes until the first image is in force: the verifier takes the programs.
func BenchmarkLoad(b *testing.B) {
	results := map[string]Costs{}
	for _, k := range vm.Kernels {
		image := testimage.Compile(b, k, Policy("bench", 100))
		config := vm.Config{Kernel: k, Append: "preempt=voluntary", Files: []vm.File{{Guest: "/image", Data: image}}}
		results[k] = guest(b, config, []Step{{Load, "/image", "bench"}})[0]
	}
	conclude(b, results)
}

// TestGuest holds that what the benchmarks need works: what costs something costs more than nothing, and the same every time.
func TestGuest(t *testing.T) {
	t.Parallel()
	costs := guest(t, vm.Config{Kernel: kernel}, []Step{{Measure, "", "free"}, {Scan, "", "scan"}, {Measure, "", "free"}})
	for _, path := range Paths {
		first, scanned, again := costs[0][Open(path)], costs[1][Open(path)], costs[2][Open(path)]
		if first <= 0 || scanned <= first || again != first {
			t.Errorf("%d bytes: %d instructions, %d under a scan, then %d", len(path), first, scanned, again)
		}
	}
}

// plan is what a guest is to do, with the names of what is measured.
type plan struct {
	config vm.Config
	steps  []Step
	rows   map[int]string // by step
}

// newPlan begins with what leaves the memory of the kernel another than after the boot: loading programs, for a moment.
func newPlan(b *testing.B, lsm vm.LSM) *plan {
	p := &plan{config: vm.Config{Kernel: kernel, LSM: lsm}, rows: map[int]string{}}
	p.load(b, "bench", 1)
	p.take(Step{Unload, "bench-bench", "bench"})
	return p
}

func (p *plan) take(s Step) { p.steps = append(p.steps, s) }

func (p *plan) measure(row string, s Step) {
	p.rows[len(p.steps)] = row
	p.take(s)
}

// file puts a file into the guest and returns its name there.
func (p *plan) file(data []byte) string {
	name := fmt.Sprint("/files/", len(p.config.Files))
	p.config.Files = append(p.config.Files, vm.File{Guest: name, Data: data})
	return name
}

// load has a policy govern the cgroup of its name, in place of its last revision.
func (p *plan) load(b *testing.B, policy string, rules int) {
	image := testimage.Compile(b, kernel, Policy(policy, rules))
	p.take(Step{Load, p.file(image), policy})
}

func (p *plan) run(b *testing.B) {
	costs := guest(b, p.config, p.steps)
	results := map[string]Costs{}
	for at, row := range p.rows {
		results[row] = costs[at]
	}
	conclude(b, results)
}

// guest has a guest take steps, and returns their costs.
func guest(b testing.TB, config vm.Config, steps []Step) []Costs {
	b.Helper()
	built, err := programs()
	needs.NoError(b, err)
	var job bytes.Buffer
	needs.NoError(b, gob.NewEncoder(&job).Encode(steps))
	config.ICount, config.MemoryMB, config.Timeout = true, 1024, 30*time.Minute
	config.Files = slices.Concat(config.Files, built, []vm.File{{Guest: "/avert/steps", Data: job.Bytes()}})
	r := vm.MustRun(b, config, "/tools/guest", "run", "/avert/steps")
	at := bytes.LastIndex(r.Output, []byte("\n"+Mark))
	if r.Code != 0 || at < 0 {
		b.Fatalf("the guest with kernel %s failed:\n%s\n%s", config.Kernel, r.Output, r.Console)
	}
	var costs []Costs
	if err := json.Unmarshal(r.Output[at+1+len(Mark):], &costs); err != nil || len(costs) != len(steps) {
		b.Fatalf("costs of %d steps instead of %d: %v", len(costs), len(steps), err)
	}
	return costs
}

// profile returns what a policy becomes under AppArmor: the name of the first profile, and the text of all.
func profile(b *testing.B, policy string) (name, text string) {
	b.Helper()
	config := fmt.Sprintf("apiVersion: avert.dev/v1alpha1\nkind: Config\npools: [{name: vm, kernel: %q, lsm: [apparmor], targets: [apparmor]}]\n", kernel)
	result := compiler.Check(compiler.Input{
		Files: []*diag.File{diag.NewFile("policy.yaml", []byte(policy))}, Config: diag.NewFile(".avert.yaml", []byte(config)),
	})
	for _, pool := range result.Pools {
		for _, f := range pool.Files {
			if strings.HasPrefix(f.Name, "avert.") {
				return f.Name, string(f.Data)
			}
		}
	}
	var findings strings.Builder
	diag.Printer{}.Print(&findings, result.Findings)
	b.Fatalf("no profile\n%s", &findings)
	return "", ""
}

var (
	//go:embed measure/measure.c
	measureSource []byte
	//go:embed scan/scan.c
	scanSource []byte
)

// programs builds what the guest runs, once in a process.
var programs = sync.OnceValues(func() ([]vm.File, error) {
	var files []vm.File
	for name, pkg := range map[string]string{"guest": "internal/kerneltest/bench/guest", "avert-node": "cmd/avert-node"} {
		data, err := vm.Build("github.com/avert-dev/avert/" + pkg)
		if err != nil {
			return nil, err
		}
		files = append(files, vm.File{Guest: "/tools/" + name, Data: data, Mode: 0o755})
	}
	for _, p := range []struct {
		name    string
		source  []byte
		command string // reads the source and writes OUT
	}{
		{"measure", measureSource, "gcc -static -O2 -Wall -Wextra -Werror -s -x c - -o OUT"},
		{"scan.o", scanSource, "clang-14 -target bpf -O2 -g -mcpu=v3 -Wall -Werror -idirafter /usr/include/x86_64-linux-gnu -c -x c - -o OUT"},
	} {
		data, err := build(p.source, strings.Fields(p.command))
		if err != nil {
			return nil, err
		}
		files = append(files, vm.File{Guest: "/tools/" + p.name, Data: data, Mode: 0o755})
	}
	return files, nil
})

// build returns the file that a compiler writes as OUT.
func build(source []byte, argv []string) ([]byte, error) {
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, &needs.Unavailable{Reason: "needs the program " + argv[0] + ", to build what a guest runs"}
	}
	dir, err := os.MkdirTemp("", "avert-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "out")
	argv[slices.Index(argv, "OUT")] = out
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = bytes.NewReader(source)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, text)
	}
	return os.ReadFile(out)
}
