// SPDX-License-Identifier: Apache-2.0

package check

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/syntax"
)

var update = flag.Bool("update", false, "rewrite the wanted output in testdata/diagnostics")

// archives holds one archive for each code: a sentence about the input, the
// input, and what is printed about it.
const archives = "../../testdata/diagnostics"

// laterStages are the codes that other packages raise, which test them.
var laterStages = map[diag.Code]string{
	diag.UnreadableInput: "source",
	diag.StateBudget:     "lower",
	diag.LineageBudget:   "lower",
	diag.UnknownTarget:   "compiler",
	diag.NameCollision:   "bundle",
	diag.Gap:             "compiler",
	diag.Stricter:        "compiler",
	diag.NotImported:     "foreign",

	diag.InvalidRule:   "guard",
	diag.RunawayRule:   "guard",
	diag.UnknownRule:   "guard",
	diag.InvalidWaiver: "guard",
	diag.ExpiredWaiver: "guard",
	diag.InvalidIgnore: "guard",
	diag.UnusedIgnore:  "guard",
}

// run checks files as the compiler does.
func run(files map[string][]byte) (*policy.Set, *diag.List) {
	list := &diag.List{}
	pools := DefaultPools()
	var inputs []*diag.File
	for name, text := range files {
		if name == syntax.ConfigName {
			pools = Config(diag.NewFile(name, text), list)
			continue
		}
		inputs = append(inputs, diag.NewFile(name, text))
	}
	set := Documents(inputs, list)
	Meaning(set, pools, list)
	return set, list
}

func printed(t *testing.T, list *diag.List) string {
	t.Helper()
	var b bytes.Buffer
	if err := (diag.Printer{}).Print(&b, list.Sorted()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestArchives(t *testing.T) {
	for _, e := range diag.Catalogue {
		path := filepath.Join(archives, string(e.Code)+".txtar")
		text, err := os.ReadFile(path)
		if err != nil {
			if stage := laterStages[e.Code]; stage == "" || !os.IsNotExist(err) {
				t.Errorf("%s (%s): %v", e.Code, e.Title, err)
			}
			continue
		}
		if laterStages[e.Code] != "" {
			continue
		}
		t.Run(string(e.Code), func(t *testing.T) {
			a := parseArchive(text)
			files := map[string][]byte{}
			var want *archived
			for i, f := range a.files {
				if f.name == "want" {
					want = &a.files[i]
					continue
				}
				files[f.name] = f.data
			}
			if want == nil || strings.Count(strings.TrimSpace(string(a.comment)), "\n") != 0 {
				t.Fatal("an archive is one sentence, the input, and what is wanted")
			}
			_, list := run(files)
			found := list.Sorted()
			if !slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.Code == e.Code }) {
				t.Errorf("%s is not among the findings", e.Code)
			}
			got := printed(t, list)
			if *update {
				want.data = []byte(got)
				if err := os.WriteFile(path, a.format(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.data), got); diff != "" {
				t.Error(diff)
			}
			for _, d := range found {
				if d.Fix != nil {
					mends(t, files, d)
				}
			}
		})
	}
}

// mends applies the fix of a finding and wants it gone, with nothing new.
func mends(t *testing.T, files map[string][]byte, d diag.Diagnostic) {
	t.Helper()
	at := d.Fix.Span
	mended := map[string][]byte{}
	for name, text := range files {
		if name == at.File.Name {
			text = slices.Concat(text[:at.Start], []byte(d.Fix.Text), text[at.End:])
		}
		mended[name] = text
	}
	_, before := run(files)
	_, after := run(mended)
	count := func(l *diag.List) int {
		return len(slices.DeleteFunc(l.Sorted(), func(o diag.Diagnostic) bool { return o.Code != d.Code }))
	}
	if count(after) >= count(before) {
		t.Errorf("the fix %q for %q does not mend it:\n%s", d.Fix.Text, d.Message, printed(t, after))
	}
}
