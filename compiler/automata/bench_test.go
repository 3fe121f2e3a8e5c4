// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"syscall"
	"testing"
)

// words make paths as long and as alike as those of a system image.
var words = strings.Fields(`usr lib share local bin sbin etc opt var run srv home doc python3 node_modules dist packages
	site-packages x86_64-linux-gnu modules systemd locale kernel drivers icons include perl5 ruby gems vendor assets static
	config cache internal public templates terminfo zoneinfo examples scripts hicolor firmware fonts java applications services`)

// files returns n different paths of about 71 bytes on average, with shared
// directories, made by a fixed seed.
func files(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	dirs := []string{"/usr", "/etc", "/opt", "/var", "/srv"}
	for len(dirs) < n/4+20 {
		parent := dirs[r.IntN(len(dirs))]
		if strings.Count(parent, "/") > 7 {
			continue
		}
		name := words[r.IntN(len(words))]
		if r.IntN(2) == 0 {
			name = fmt.Sprintf("%s-%d.%d", name, r.IntN(30), r.IntN(20))
		}
		dirs = append(dirs, parent+"/"+name)
	}
	seen := map[string]bool{}
	var out []string
	for len(out) < n {
		f := fmt.Sprintf("%s/%s_%s%d.%s", dirs[r.IntN(len(dirs))], words[r.IntN(len(words))], words[r.IntN(len(words))],
			r.IntN(1000), []string{"so", "conf", "py", "js", "html", "gz"}[r.IntN(6)])
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	return out
}

// mixedPatterns is 60 % exact paths, 25 % directories, 15 % inner wildcards.
func mixedPatterns(n int) []string {
	r := rand.New(rand.NewPCG(3, 4))
	corpus := files(4 * n)
	pick := func() string { return corpus[r.IntN(len(corpus))] }
	var out []string
	seen := map[string]bool{}
	add := func(p string) {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	for len(out) < n*60/100 {
		add(pick())
	}
	for tries := 0; len(out) < n*85/100; tries++ {
		d := path.Dir(pick())
		if r.IntN(3) == 0 {
			d = path.Dir(d)
		}
		if strings.Count(d, "/") < 2 {
			continue
		}
		if tries > 20*n {
			d = pick()
		}
		add(d + "/**")
	}
	for len(out) < n {
		dir, file := path.Split(pick())
		k := 1 + r.IntN(len(file)-2)
		switch r.IntN(15) {
		case 0, 1, 2, 3, 4:
			add(dir + "*" + path.Ext(file))
		case 5, 6, 7:
			add(dir + file[:k] + "*" + file[len(file)-1:])
		case 8, 9, 10:
			c := strings.Split(dir[1:], "/")
			c[r.IntN(len(c)-1)] = "*"
			add("/" + strings.Join(c, "/") + file)
		case 11:
			add(dir + file[:k] + "?" + file[k+1:])
		case 12:
			add(dir + file[:k] + "[0-9]" + file[k+1:])
		case 13:
			add(dir + "{" + file + "," + path.Base(pick()) + "}")
		default:
			add("/**/" + file)
		}
	}
	return out
}

// cpuTime is the time that this process has computed, in nanoseconds: what other
// processes do does not count.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{10, 100, 1_000, 10_000} {
		patterns := mixedPatterns(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var set *Set
			var table *Table
			runs, before := 0, cpuTime(b)
			for b.Loop() {
				runs++
				rules := make([]Rule, len(patterns))
				for i, p := range patterns {
					rules[i] = Rule{mustParse(b, p), i * 7 % 8}
				}
				var err error
				if set, err = Compile(rules, Options{}); err != nil {
					b.Fatal(err)
				}
				if table, err = set.Pack(PackOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(runs), "cpu-ns/op")
			b.ReportMetric(float64(len(strings.Join(patterns, "")))/float64(n), "bytes/pattern")
			b.ReportMetric(float64(set.States()), "states")
			b.ReportMetric(float64(set.Parts()), "parts")
			b.ReportMetric(float64(table.Bytes()), "tablebytes")
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	patterns := mixedPatterns(10_000)
	var rules []Rule
	for i, p := range patterns {
		rules = append(rules, Rule{mustParse(b, p), i % 8})
	}
	set, err := Compile(rules, Options{})
	if err != nil {
		b.Fatal(err)
	}
	table, err := set.Pack(PackOptions{})
	if err != nil {
		b.Fatal(err)
	}
	names := files(40_000)
	for name, match := range map[string]func(string) Labels{"set": set.Match, "table": table.Match} {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				match(names[i%len(names)])
				i++
			}
		})
	}
}

// BenchmarkBelow packs with what is below directories.
func BenchmarkBelow(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		var rules []Rule
		for i, p := range mixedPatterns(n) {
			rules = append(rules, Rule{mustParse(b, p), i % 8})
		}
		set, err := Compile(rules, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var table *Table
			for b.Loop() {
				if table, err = set.Pack(PackOptions{Views: []View{Labels.Len}}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(table.Bytes()), "tablebytes")
			b.ReportMetric(float64(len(table.Belows)), "belows")
		})
	}
}
