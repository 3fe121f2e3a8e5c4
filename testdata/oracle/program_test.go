// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"strings"
	"testing"
)

// The sizes are RE2's own (release 2022-06-01); the two largest are also in
// public reports of what Envoy refused. slack is how far above is accepted.
func TestProgramSize(t *testing.T) {
	for _, tt := range []struct {
		expr        string
		size, slack int
	}{
		{`GET`, 7, 0},
		{`^GET`, 4, 0},
		{`/api/v1/data`, 16, 0},
		{`^/api/v1/data`, 4, 0},
		{`^(?:/api/v1/data)`, 4, 0},
		{`é`, 6, 0},
		{`(?i)xé`, 8, 1},
		{`GET|POST`, 11, 1},
		{`x-envoy-(a|b|c)-[grep]{3}`, 28, 0},
		{`[^/?]+`, 14, 7},
		{`.*`, 12, 6},
		{`^/api/v1/data(?:[?].*)?`, 15, 6},
		{`/api/v1/data(\?.*)?`, 28, 6},
		{`^/v4/advisory/[0-9a-z-]{36}/clone$`, 118, 1},
		{`/(dashboard|alerts|calendar|components|metrics|critical_asset_metrics|critical_product_metrics|simple_search|support|celery_status|choices)([/?].*)?`, 134, 11},
	} {
		got, err := ProgramSize(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got < tt.size || got > tt.size+tt.slack {
			t.Errorf("%s: %d, want %d to %d", tt.expr, got, tt.size, tt.size+tt.slack)
		}
	}
}

func TestProgramSizeOfAnchoredPath(t *testing.T) {
	got, err := ProgramSize("^/" + strings.Repeat("a", 2000) + `(\?.*)?`)
	if err != nil || got > 30 {
		t.Errorf("%d, %v: the prefix costs nothing", got, err)
	}
	if _, err := ProgramSize("["); err == nil {
		t.Error("[ has a size")
	}
}
