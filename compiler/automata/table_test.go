// SPDX-License-Identifier: Apache-2.0

package automata

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPackLimit(t *testing.T) {
	var rules []Rule
	for i := range 100 {
		rules = append(rules, Rule{mustParse(t, fmt.Sprintf("/dir%d/file%d", i, i*i)), 0})
	}
	set := must(Compile(rules, Options{}))
	full := must(set.Pack(PackOptions{}))
	if _, err := set.Pack(PackOptions{MaxBytes: full.Bytes()}); err != nil {
		t.Errorf("in exactly its size: %v", err)
	}
	for _, most := range []int{full.Bytes() - 4, 2000, 4} {
		_, err := set.Pack(PackOptions{MaxBytes: most})
		var size *SizeError
		if !errors.As(err, &size) || size.MaxBytes != most || size.Bytes <= most {
			t.Errorf("in %d bytes: %v", most, err)
		}
	}
}

func TestPackManyClasses(t *testing.T) {
	var rules []Rule
	for b := 1; b < 256; b++ {
		if b != '/' && b != '.' {
			rules = append(rules, Rule{mustParse(t, "/"+Escape(string([]byte{byte(b)}))), b})
		}
	}
	set := must(Compile(rules[:250], Options{}))
	table := must(set.Pack(PackOptions{}))
	for _, r := range rules[:250] {
		name, _ := r.Glob.Exact()
		if got := table.Match(name); !got.Equal(NewLabels(r.Label)) {
			t.Errorf("%q has %s", name, show(got))
		}
	}
	if _, err := must(Compile(rules, Options{})).Pack(PackOptions{}); err == nil {
		t.Error("253 literals and a slash in 254 class codes")
	}
}

// TestVerify damages tables: what Verify lets pass may be wrong but must not
// make Match leave the table.
func TestVerify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := pack(t, genRules(3).Draw(t, "rules"))
		damaged := *table
		damaged.Slots = slices.Clone(table.Slots)
		for range rapid.IntRange(1, 4).Draw(t, "hits") {
			i := rapid.IntRange(0, len(damaged.Slots)-1).Draw(t, "slot")
			damaged.Slots[i] ^= 1 << rapid.IntRange(0, 31).Draw(t, "bit")
		}
		if damaged.Verify() != nil {
			return
		}
		for _, name := range rapid.SliceOfN(genPath, 1, 30).Draw(t, "names") {
			damaged.Match(name)
		}
	})
}

func TestVerifyFinds(t *testing.T) {
	set := must(Compile([]Rule{{mustParse(t, "/etc/**"), 0}, {mustParse(t, "/a*b"), 1}}, Options{}))
	for name, damage := range map[string]func(*Table){
		"class":      func(t *Table) { t.Classes['x'] = 1 },
		"no start":   func(t *Table) { t.Starts = nil },
		"start":      func(t *Table) { t.Starts[0] = uint32(len(t.Slots)) },
		"late start": func(t *Table) { t.Starts[0] = uint32(len(t.Slots)) - rowSpan + 1 },
		"next":       func(t *Table) { t.Slots[t.Starts[0]] = uint32(len(t.Slots)) },
		"labels":     func(t *Table) { t.Labels = t.Labels[:1] },
		"not a sink": func(t *Table) { t.Slots[t.Starts[0]] = t.Starts[0]&^SinkBit + 1 | SinkBit },
		"accept slot": func(t *Table) {
			t.Slots[t.Starts[0]] = uint32(slices.IndexFunc(t.Slots, func(s uint32) bool { return s>>24 == 1 }))
		},
		"start sinks": func(t *Table) { t.Starts[0] |= SinkBit },
		"short":       func(t *Table) { t.Slots = t.Slots[:len(t.Slots)-rowSpan] },
	} {
		table := must(set.Pack(PackOptions{}))
		if err := table.Verify(); err != nil {
			t.Fatal(err)
		}
		damage(table)
		if err := table.Verify(); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
