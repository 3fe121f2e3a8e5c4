// SPDX-License-Identifier: Apache-2.0

package suggest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWords(t *testing.T) {
	calls := []string{"ptrace", "personality", "process_vm_readv", "process_vm_writev", "read", "readv", "pread64", "write", "open", "openat", "openat2", "bpf"}
	for _, test := range []struct {
		word string
		want []string
	}{
		{"ptrce", []string{"ptrace"}},
		{"PTRACE", []string{"ptrace"}},
		{"personalty", []string{"personality"}},
		{"process_vm_raedv", []string{"process_vm_readv"}},
		{"opnat", []string{"openat"}},
		{"raed", []string{"read"}},
		{"reads", []string{"read", "readv"}},
		{"bfp", []string{"bpf"}},
		{"x", nil},
		{"frobnicate", nil},
		{"", nil},
	} {
		if diff := cmp.Diff(test.want, Words(test.word, calls)); diff != "" {
			t.Errorf("%q: %s", test.word, diff)
		}
	}
	if got := Words("aaaa", []string{"aaaab", "aaaac", "aaaad", "aaaae", "aaaab"}); !slices.Equal(got, []string{"aaaab", "aaaac", "aaaad"}) {
		t.Errorf("got %v, want the first three, each once", got)
	}
}

// naive is the textbook recursion for the optimal string alignment distance.
func naive(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	x, y := a[len(a)-1], b[len(b)-1]
	cost := naive(a[:len(a)-1], b[:len(b)-1])
	if x != y {
		cost = 1 + min(cost, naive(a[:len(a)-1], b), naive(a, b[:len(b)-1]))
	}
	if len(a) > 1 && len(b) > 1 && x == b[len(b)-2] && y == a[len(a)-2] {
		cost = min(cost, 1+naive(a[:len(a)-2], b[:len(b)-2]))
	}
	return cost
}

func TestDistanceEqualsRecursion(t *testing.T) {
	word := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, limit := word.Draw(t, "a"), word.Draw(t, "b"), rapid.IntRange(1, 3).Draw(t, "limit")
		got, want := distance(a, b, limit), naive(a, b)
		if want <= limit && got != want || want > limit && got <= limit {
			t.Errorf("distance(%q, %q, %d) = %d, want %d", a, b, limit, got, want)
		}
	})
}

func FuzzWords(f *testing.F) {
	f.Add("ptrce", "ptrace")
	f.Add(strings.Repeat("İ", 32), "i")
	f.Fuzz(func(t *testing.T, word, candidate string) {
		for _, w := range Words(word, []string{candidate, "ptrace"}) {
			if w != candidate && w != "ptrace" {
				t.Errorf("%q is no candidate", w)
			}
		}
	})
}

func BenchmarkWords(b *testing.B) {
	candidates := make([]string, 500)
	for i := range candidates {
		candidates[i] = string(rune('a'+i%26)) + "process_vm_readv"[i%16:]
	}
	for b.Loop() {
		Words("process_vm_raedv", candidates)
	}
}
