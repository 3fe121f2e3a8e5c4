// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/bpf"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/runtime/image"
)

func (a *app) imageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Look into images of the target lsm",
		Long: `image looks into what compile writes for the target lsm: one image for each
container that policies govern, nodes/lsm/NAME.img, which nodes load into their
kernel.`,
		Example: `  avert compile examples/web -o out --target lsm
  avert image inspect out/nodes/lsm/shop-watch+web_pod-web_c.img`,
		Args: a.noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(a.stderr)
			return errors.Join(cmd.Help(), errors.New("a command is missing: inspect"))
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "inspect FILE",
		Short: "Verify an image and print what it says",
		Long: `inspect verifies an image as nodes do before they load it (nodes/lsm/*.img of
what compile writes), and prints what it says apart from paths: whose it is,
its sections, the defaults of its layers and its conditions on lineages. The
rules are those of the policies. FILE may be - for standard input.

An image that nodes would refuse is a finding, and the exit code 1.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("which image? give a file")
			}
			return a.inspect(args[0])
		},
	})
	return cmd
}

func (a *app) inspect(path string) error {
	in := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, image.MaxBytes+1))
	if err != nil {
		return err
	}
	m, err := image.Decode(data)
	if err != nil {
		fmt.Fprintf(a.stderr, "avert: %s: %v\n", path, err)
		return errFindings
	}
	if a.json() {
		return a.result(report.Marshal(viewOf(m)))
	}
	return a.result(viewOf(m).text())
}

// imageView is what is printed of an image.
type imageView struct {
	Unit       string          `json:"unit"`
	Namespace  string          `json:"namespace"`
	Policies   []string        `json:"policies"`
	Revision   string          `json:"revision"`
	Layout     uint32          `json:"layout"`
	SHA256     string          `json:"sha256"`
	Bytes      uint64          `json:"bytes"`
	Sections   []sectionView   `json:"sections"`
	Table      tableView       `json:"table"`
	Atoms      [][]string      `json:"atoms"`
	Conditions []conditionView `json:"conditions"`
	Layers     []layerView     `json:"layers"`
}

type sectionView struct {
	Name   string `json:"name"`
	Offset uint64 `json:"offset"`
	Bytes  uint64 `json:"bytes"`
}

type tableView struct {
	// KernelBytes is the size of the map element that takes the table.
	KernelBytes int    `json:"kernelBytes"`
	Parts       uint32 `json:"parts"`
	States      int    `json:"states"`
	Slots       int    `json:"slots"`
	Cells       int    `json:"cells"`
	Belows      int    `json:"belows"`
}

// conditionView has atoms, each absent when the condition does not ask.
type conditionView struct {
	Exe      *int `json:"exe,omitempty"`
	Parent   *int `json:"parent,omitempty"`
	Ancestor *int `json:"ancestor,omitempty"`
}

type layerView struct {
	// Audit is the policy in mode Audit that the layer is, or "" for what is
	// enforced.
	Audit   string `json:"audit,omitempty"`
	Process string `json:"process"`
	File    string `json:"file"`
	System  string `json:"system"`
	// Covers are the operations that the default of system is about.
	Covers []string `json:"covers"`
	// Unknown are the uses that are blocked of a path that cannot be known.
	Unknown []string `json:"unknown"`
	// Decides are the uses of files about which the layer may say more than to
	// allow them.
	Decides []string     `json:"decides"`
	Rules   []systemView `json:"rules"`
}

// systemView is an action of rules about an operation of system: Always, or under
// any of the conditions.
type systemView struct {
	Operation  string `json:"operation"`
	Action     string `json:"action"`
	Always     bool   `json:"always"`
	Conditions []int  `json:"conditions"`
}

func viewOf(m *image.Image) *imageView {
	id, head, header, counts := m.Identity, m.Head(), m.Header(), m.Counts()
	v := &imageView{
		Unit: id.Unit, Namespace: id.Namespace, Policies: id.Policies, Revision: id.Revision,
		Layout: header.Layout, SHA256: fmt.Sprintf("%x", m.SHA256), Bytes: header.Length,
		Sections: []sectionView{
			{"identity", header.Identity.Offset, header.Identity.Length},
			{"table", header.Table.Offset, header.Table.Length},
			{"rules", header.Rules.Offset, header.Rules.Length},
		},
		Table: tableView{Parts: head.Parts, States: counts.Rows, Slots: counts.Slots, Cells: counts.Cells, Belows: counts.Belows},
		Atoms: id.Atoms, Conditions: []conditionView{},
	}
	for _, size := range bpf.TableSizes {
		if v.Table.KernelBytes = size; size >= len(m.Table) {
			break
		}
	}
	for _, c := range head.Conds[:head.Conditions] {
		v.Conditions = append(v.Conditions, conditionView{atomOf(c.Exe), atomOf(c.Parent), atomOf(c.Ancestor)})
	}
	for i := range head.Layer[:head.Layers] {
		l := layerOf(&head.Layer[i])
		if i > 0 {
			l.Audit = m.Audits()[i-1].ID()
		}
		v.Layers = append(v.Layers, l)
	}
	return v
}

// atomOf returns the atom of a mask that has at most one.
func atomOf(mask uint64) *int {
	if mask == 0 {
		return nil
	}
	atom := bits.TrailingZeros64(mask)
	return &atom
}

func layerOf(l *bpf.Layer) layerView {
	words := [...]string{bpf.Ungoverned: "-", bpf.Allow: policy.Allow.String(), bpf.Audit: policy.Audit.String(), bpf.Block: policy.Block.String()}
	v := layerView{
		Process: words[l.Process], File: words[l.File], System: words[l.System],
		Covers: []string{}, Unknown: []string{}, Decides: []string{}, Rules: []systemView{},
	}
	for i, word := range []string{"process", "file", "map"} { // the bits of Closed
		if l.Closed>>i&1 != 0 {
			v.Unknown = append(v.Unknown, word)
		}
	}
	for _, n := range policy.AccessNames {
		if l.Relevant&uint32(n.Access) != 0 {
			v.Decides = append(v.Decides, n.Name)
		}
	}
	for _, o := range policy.SystemOperations {
		if l.SystemCovers>>o&1 != 0 {
			v.Covers = append(v.Covers, o.String())
		}
		m := l.Operations[o]
		for action, mask := range []uint64{policy.Allow: m.Allow, policy.Audit: m.Audit, policy.Block: m.Block} {
			if mask != 0 {
				v.Rules = append(v.Rules, ruleOf(o, policy.Action(action), mask))
			}
		}
	}
	return v
}

func ruleOf(o policy.SystemOperation, action policy.Action, mask uint64) systemView {
	v := systemView{Operation: o.String(), Action: action.String(), Always: mask>>bpf.Always != 0, Conditions: []int{}}
	for i := range bpf.MaxConditions {
		if mask>>i&1 != 0 {
			v.Conditions = append(v.Conditions, i)
		}
	}
	return v
}

// text is the view for people.
func (v *imageView) text() []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	list := func(words []string) string {
		if len(words) == 0 {
			return "-"
		}
		return strings.Join(words, ", ")
	}
	row("image", "%s", v.Unit)
	row("namespace", "%s", v.Namespace)
	row("policies", "%s", list(v.Policies))
	row("revision", "%s", v.Revision)
	row("layout", "%d", v.Layout)
	row("sha256", "%s", v.SHA256)
	row("bytes", "%d", v.Bytes)
	for _, s := range v.Sections {
		row("  "+s.Name, "%d at %d", s.Bytes, s.Offset)
	}
	t := v.Table
	row("  in the kernel", "%d KiB", t.KernelBytes>>10)
	row("paths", "%s, %s in %s", report.Plural(int(t.Parts), "part"), report.Plural(t.States, "state"), report.Plural(t.Slots, "slot"))
	row("lead to", "%s, %s for what is below directories", report.Plural(t.Cells, "cell"), report.Plural(t.Belows, "record"))
	for i, atom := range v.Atoms {
		row(fmt.Sprintf("atom %d", i), "%s", list(printable(atom)))
	}
	for i, c := range v.Conditions {
		row(fmt.Sprintf("condition %d", i), "%s", c)
	}
	for i, l := range v.Layers {
		is := "enforced"
		if l.Audit != "" {
			is = "would, by " + l.Audit
		}
		row(fmt.Sprintf("layer %d", i), "%s", is)
		row("  process", "%s", l.Process)
		row("  file", "%s", l.File)
		row("  system", "%s", l.System)
		row("    of", "%s", list(l.Covers))
		row("  decides", "%s", list(l.Decides))
		row("  blocks unknown paths", "%s", list(l.Unknown))
		for _, r := range l.Rules {
			row("  "+r.Operation, "%s", r)
		}
	}
	w.Flush()
	return b.Bytes()
}

// printable quotes patterns that terminals would not show as they are.
func printable(patterns []string) []string {
	var out []string
	for _, p := range patterns {
		if q := strconv.Quote(p); len(q) > len(p)+2 {
			p = q
		}
		out = append(out, p)
	}
	return out
}

func (c conditionView) String() string {
	var out []string
	for _, f := range []struct {
		name string
		atom *int
	}{{"exe", c.Exe}, {"parent", c.Parent}, {"ancestor", c.Ancestor}} {
		if f.atom != nil {
			out = append(out, fmt.Sprintf("%s is atom %d", f.name, *f.atom))
		}
	}
	return strings.Join(out, ", ")
}

func (r systemView) String() string {
	if r.Always {
		return r.Action
	}
	return fmt.Sprintf("%s under condition %s", r.Action, strings.Trim(strings.ReplaceAll(fmt.Sprint(r.Conditions), " ", ", "), "[]"))
}
