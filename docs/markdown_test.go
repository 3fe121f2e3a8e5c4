// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"strings"
	"testing"
)

// block is a fenced block of a page.
type block struct {
	line int
	// info is what stands behind the fence: "yaml", "yaml fragment=file".
	info, text string
	// rows are those of the table of operations and verdicts that follows it.
	rows []row
}

// row is one operation and the verdict that the page claims.
type row struct {
	line               int
	operation, verdict string
}

const tableHead = "| operation | verdict |"

// blocks reads the fenced blocks of a page, and the tables of operations behind
// them.
func blocks(t *testing.T, page string) []*block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []*block
	var open *block
	table := false
	for i, line := range strings.Split(string(text), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, info: info}
		case fence:
			out, open = append(out, open), nil
		case open != nil:
			open.text += line + "\n"
		case line == tableHead:
			table = true
		case !strings.HasPrefix(line, "|"):
			table = false
		case table && !strings.HasPrefix(line, "| ---"):
			if len(out) == 0 {
				t.Fatalf("%s:%d: no policy before this table", page, i+1)
			}
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			if len(cells) != 2 {
				t.Fatalf("%s:%d: %d cells, want 2", page, i+1, len(cells))
			}
			last := out[len(out)-1]
			last.rows = append(last.rows, row{i + 1, cells[0], cells[1]})
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block has no end", page, open.line)
	}
	return out
}
