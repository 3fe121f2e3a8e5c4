// SPDX-License-Identifier: Apache-2.0

package apparmorbin

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/vm"
)

// TestKernelAgrees: what the package says of a policy is what kernels do.
func TestKernelAgrees(t *testing.T) {
	t.Parallel()
	vm.Matrix(t, func(t *testing.T, kernel string) {
		random := rand.New(rand.NewPCG(1, 2))
		policy, messages, err := NewParser(t, kernel).Policy(randomProfile(random))
		if err != nil || messages != "" {
			t.Fatal(err, messages)
		}
		profiles, err := Load(policy)
		if err != nil {
			t.Fatal(err)
		}
		deeds, err := json.Marshal(randomDeeds(t, random, profiles[0]))
		if err != nil {
			t.Fatal(err)
		}
		vm.Test(t, vm.Config{Kernel: kernel, LSM: vm.AppArmor, Files: []vm.File{
			{Guest: policyFile, Data: policy, Mode: 0o600}, {Guest: deedsFile, Data: deeds, Mode: 0o600},
		}}, "^TestDeeds$")
	})
}

// Paths lie below /t, at most three components deep, of the names a, b and ab.
var names = []string{"a", "b", "ab"}

func randomProfile(random *rand.Rand) string {
	var b strings.Builder
	b.WriteString("abi <abi/3.0>,\nprofile p {\n")
	pieces := []string{"a", "b", "ab", "*", "?", "a*", "*b", "{a,b}", "a{,b}", "[^/a]", "[ab]"}
	used := map[string]bool{}
	for range 100 {
		pattern := "/t"
		for range 1 + random.IntN(3) {
			pattern += "/" + pieces[random.IntN(len(pieces))]
		}
		pattern += []string{"/", "{,/}", ".f", ".f", ".f", ".l*", "/**b.f"}[random.IntN(7)]
		modes := []string{"r", "w", "a", "l", "rm", "rk", "rix", "rw"}
		qualifier := []string{"", "", "", "", "deny ", "owner ", "audit "}[random.IntN(7)]
		mode := modes[random.IntN(len(modes))]
		if qualifier == "deny " && strings.ContainsAny(pattern, "*?") {
			qualifier = "" // else nothing is left
		}
		if qualifier == "deny " {
			mode = strings.Replace(mode, "ix", "x", 1)
		}
		if used[pattern] {
			continue
		}
		used[pattern] = true
		fmt.Fprintf(&b, "  %s%s %s,\n", qualifier, pattern, mode)
	}
	b.WriteString(`
  link /t/a/* -> /t/**,
  link subset /t/b/* -> /t/**,
  network inet stream,
  network inet6,
  deny network inet6 dgram,
  network netlink raw,
  mount fstype=tmpfs options=(ro,nosuid) -> /t/{a,b}/,
  deny mount fstype=tmpfs options=(ro,nosuid) -> /t/b/,
  mount fstype=proc -> /t/ab/,
}
`)
	return b.String()
}

// randomDeeds are the deeds on all paths, of which those that links and mounts
// would change are drawn at random.
func randomDeeds(t *testing.T, random *rand.Rand, p *Profile) []deed {
	var paths []string
	level := []string{"/t"}
	for range 3 {
		var next []string
		for _, dir := range level {
			for _, name := range names {
				next = append(next, dir+"/"+name)
			}
		}
		paths, level = append(paths, next...), next
	}
	var deeds []deed
	counts := map[string][2]int{}
	add := func(d deed) {
		n := counts[d.Op]
		if d.Allowed {
			n[0]++
		} else {
			n[1]++
		}
		counts[d.Op] = n
		deeds = append(deeds, d)
	}
	for _, path := range paths {
		file, dir := p.File(path+".f", true), p.File(path+"/", true)
		for _, of := range []struct {
			op   string
			mask Mask
		}{{"read", Read}, {"write", Write}, {"append", Append}, {"chmod", Chmod}, {"lock", Lock}, {"map", Map}} {
			if (of.op == "lock" || of.op == "map") && !file.Has(Read) {
				continue // it needs the file open, and opened under the profile
			}
			add(deed{Op: of.op, Path: path + ".f", Allowed: file.Has(of.mask)})
		}
		add(deed{Op: "readdir", Path: path, Allowed: dir.Has(Read)})
		add(deed{Op: "chmod", Path: path, Allowed: dir.Has(Chmod)})
		_, ok := p.Exec(path+".f", true)
		add(deed{Op: "exec", Path: path + ".f", Allowed: ok})
		for range 10 {
			to := paths[random.IntN(len(paths))] + ".f"
			link := path + ".l" + fmt.Sprint(random.IntN(10))
			ok, _ := p.Link(link, to, true)
			add(deed{Op: "link", Path: link, To: to, Allowed: ok})
		}
	}
	for _, family := range []uint16{1, 2, 10, 16} {
		for kind := uint16(1); kind < 4; kind++ {
			add(deed{Op: "socket", Family: family, Kind: kind, Allowed: p.Network(family, kind).Has(Read | Write)})
		}
	}
	for _, name := range names {
		for _, fstype := range []string{"tmpfs", "proc"} {
			for _, flags := range []uint32{0, 1, 2, 3} {
				path := "/t/" + name
				call := MountCall{Target: path + "/", Source: "none", Type: fstype, Flags: flags}
				add(deed{Op: "mount", Path: path, To: fstype, Flags: flags, Allowed: p.Mount(call).Has(Mount)})
			}
		}
	}
	for op, n := range counts {
		if n[0] == 0 || n[1] == 0 {
			t.Errorf("%s: %d allowed, %d denied: both should occur", op, n[0], n[1])
		}
	}
	t.Logf("%d deeds", len(deeds))
	return deeds
}
