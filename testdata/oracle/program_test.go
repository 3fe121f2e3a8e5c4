// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"strings"
	"testing"
)

// The sizes are those that Envoy printed in public reports of the limit.
func TestProgramSize(t *testing.T) {
	for expr, size := range map[string]int{
		`x-envoy-(a|b|c)`:                    15,
		`x-envoy-(a|b|c)-[grep]{3}`:          28,
		`a.*b.*c.*d.*e.*f.*g.*`:              109,
		`.*foo.*'`:                           35,
		`^/v4/advisory/[0-9a-z-]{36}/clone$`: 118,
		`/(dashboard|alerts|calendar|components|metrics|critical_asset_metrics|critical_product_metrics|simple_search|support|celery_status|choices)([/?].*)?`: 134,
	} {
		got, err := ProgramSize(expr)
		if err != nil {
			t.Fatal(err)
		}
		if got < size || got > size+6 {
			t.Errorf("%s: %d, want %d to %d", expr, got, size, size+6)
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
