// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Policy returns the text of a policy with that many rules about files, one of which allows what is measured and comes
// first. Three fifths of the others are about a file, a quarter about all below a folder; the rest has wildcards elsewhere,
// and one in a hundred names a file in any folder.
func Policy(name string, rules int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: avert.dev/v1alpha1
kind: RuntimePolicy
metadata: {name: %s, namespace: bench}
spec:
  selector: {matchLabels: {app: %[1]s}}
  process:
    default: Block
    rules:
      - {name: programs, action: Allow, paths: [/bin/*]}
  file:
    default: Block
    rules:
      - {name: measured, action: Allow, access: [read, write, create, delete], paths: [%s, /work/**]}
`, name, strings.Join(Paths, ", "))
	for i, glob := range globs(rules - 1) {
		fmt.Fprintf(&b, "      - {name: r%d, action: %s, paths: [%q]}\n", i, uses[i%len(uses)], glob)
	}
	b.WriteString("  accept: [{rule: process/*, reason: measured}, {rule: file/*, reason: measured}, {rule: system/*, reason: measured}]\n")
	return b.String()
}

var uses = []string{"Allow, access: [read]", "Allow, access: [read, map]", "Allow, access: [read, write, create, delete, rename]",
	"Block, access: [write, create, delete, rename, link, setattr]", "Audit, access: [read]"}

// Prefixes returns what of as many of these rules can be said without wildcards. The last ones are about what is measured.
func Prefixes(n int) []string {
	var out []string
	for _, glob := range globs(n) {
		prefix, _, _ := strings.Cut(glob, "*")
		out = append(out, prefix)
	}
	out = out[:n-len(Paths)-1]
	for _, path := range append([]string{"/work/"}, Paths...) {
		out = append(out, path[:min(len(path), 100)])
	}
	return out
}

// globs returns patterns of about 70 bytes, the same every time. Several are about one folder, as files are in few folders.
func globs(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	tops := strings.Fields("/usr/lib /usr/lib /usr/share /usr/bin /var/lib /etc /opt")
	words := strings.Fields("local cache data service config python node modules dist packages java runtime plugins example locale")
	folders := make([]string, n/8+1)
	for i := range folders {
		folders[i] = tops[r.IntN(len(tops))]
		for range 4 {
			folders[i] += fmt.Sprintf("/%s-%s", words[r.IntN(len(words))], words[r.IntN(len(words))])
		}
	}
	out := make([]string, n)
	for i := range out {
		folder := folders[r.IntN(len(folders))]
		switch {
		case i%100 == 99:
			out[i] = fmt.Sprintf("/**/name-%d.conf", i)
		case i%20 < 12:
			out[i] = fmt.Sprintf("%s/file-%d", folder, i)
		case i%20 < 17:
			out[i] = fmt.Sprintf("%s/folder-%d/**", folder, i)
		default:
			out[i] = fmt.Sprintf("%s/*/item-%d-*.so", folder, i)
		}
	}
	return out
}
