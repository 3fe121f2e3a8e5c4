// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/policy"
)

// matches says whether Envoy would: the whole of method and :path.
func matches(t testing.TB, m policy.HTTPMatch, method, target string) bool {
	t.Helper()
	rules, reasons := httpRules([]policy.HTTPMatch{m})
	if len(reasons) > 0 {
		t.Fatalf("%+v: %v", m, reasons)
	}
	whole := func(expr, s string) bool {
		re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
		if err != nil {
			t.Fatal(err)
		}
		return expr == "" || re.MatchString(s)
	}
	return whole(rules[0].Method, method) && whole(rules[0].Path, target)
}

func TestHTTPRules(t *testing.T) {
	for _, tt := range []struct {
		match          policy.HTTPMatch
		method, target string
		want           bool
	}{
		{policy.HTTPMatch{Method: "GET"}, "GET", "/x?y", true},
		{policy.HTTPMatch{Method: "GET"}, "GETX", "/x", false},
		{policy.HTTPMatch{Path: "/a.b"}, "GET", "/a.b", true},
		{policy.HTTPMatch{Path: "/a.b"}, "GET", "/a.b?", true},
		{policy.HTTPMatch{Path: "/a.b"}, "GET", "/a.b?c=/d", true},
		{policy.HTTPMatch{Path: "/a.b"}, "GET", "/axb", false},
		{policy.HTTPMatch{Path: "/a.b"}, "GET", "/a.b/", false},
		{policy.HTTPMatch{Path: "/a.b"}, "GET", "/x/a.b", false},
		{policy.HTTPMatch{PathPrefix: "/a("}, "GET", "/a(b?c", true},
		{policy.HTTPMatch{PathPrefix: "/a"}, "GET", "/b/a", false},
		{policy.HTTPMatch{PathRegex: "/a.b"}, "GET", "/a?b", false},
		{policy.HTTPMatch{PathRegex: "/a.b"}, "GET", "/axb?c", true},
		{policy.HTTPMatch{PathRegex: "^/a$|^/b$"}, "GET", "/b?c", true},
		{policy.HTTPMatch{PathRegex: "^/a$|^/b$"}, "GET", "/bc", false},
		{policy.HTTPMatch{PathRegex: "/[^a]+"}, "GET", "/b?a", true},
		{policy.HTTPMatch{PathRegex: "(?i)/A"}, "GET", "/a?x", true},
		{policy.HTTPMatch{PathRegex: `/a\b.*`}, "GET", "/a?x", true},
		{policy.HTTPMatch{PathRegex: `/a\?b`}, "GET", "/a?b", false},
	} {
		if got := matches(t, tt.match, tt.method, tt.target); got != tt.want {
			t.Errorf("%+v of %s %s: %v, want %v", tt.match, tt.method, tt.target, got, tt.want)
		}
	}
}

// An expression of :path matches what the one of the policy matches of the path.
func TestPathRegexIgnoresQuery(t *testing.T) {
	pieces := []string{"/", "a", "b", ".", "[^a]", "[a-c]", `\w`, "(a|/b)", "(/a)?", "a*", "(?i)B", `\b`, "^", "$", "[!-~]", `\?`, "|", "(?m)$", `\z`, "x{2}"}
	rapid.Check(t, func(t *rapid.T) {
		expr := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 6).Draw(t, "pieces"), "")
		original, err := regexp.Compile(`\A(?:` + expr + `)\z`)
		if err != nil {
			t.Skip(err)
		}
		made, reason := pathRegex(expr)
		if reason != "" {
			t.Skip(reason)
		}
		re, err := regexp.Compile(`\A(?:` + made + `)\z`)
		if err != nil {
			t.Fatalf("%s became %s: %v", expr, made, err)
		}
		for range 20 {
			target := rapid.StringMatching(`/[ab/A?x.]{0,6}`).Draw(t, "target")
			path, _, _ := strings.Cut(target, "?")
			if got, want := re.MatchString(target), original.MatchString(path); got != want {
				t.Fatalf("%s of %s became %s: %v, want %v", expr, target, made, got, want)
			}
		}
	})
}

// What Envoy would refuse is widened instead.
func TestLargeRegex(t *testing.T) {
	for _, expr := range []string{
		"/(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|twenty)",
		"/[a-z]{80}",
		"/.{9}",
		strings.Repeat("(?i)ab", 30),
	} {
		if path, reason := pathRegex(expr); path != "" || reason != tooLarge {
			t.Errorf("%s: %q, %s", expr, path, reason)
		}
	}
	// A literal beginning costs nothing.
	if path, reason := pathRegex("/" + strings.Repeat("a", 500) + "/[0-9]+"); path == "" {
		t.Error(reason)
	}
}
