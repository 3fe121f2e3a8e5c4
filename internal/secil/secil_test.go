// SPDX-License-Identifier: Apache-2.0

package secil

import (
	"errors"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

// web is a module as a person would write it.
const web = `(block web
  (blockinherit container)
  (blockinherit net_container)
  %s)`

func module(statements string) Module {
	return Module{"web.cil", []byte(strings.Replace(web, "%s", statements, 1))}
}

func TestGranted(t *testing.T) {
	for _, suite := range []string{Bookworm, Trixie} {
		c, err := New(t.Context(), suite)
		needs.NoError(t, err)
		own := Access{"web.process", "self", "tcp_socket", "create"}
		others := Access{"web.process", "shadow_t", "file", "getattr"}
		conditional := Access{"web.process", "self", "capability", "chown"}
		got, err := c.Granted(t.Context(), []Module{Base(), module("")}, []Access{own, others, conditional})
		if err != nil {
			t.Fatal(err)
		}
		if !got[own] || got[others] || !got[conditional] {
			t.Errorf("%s: %v", suite, got)
		}
		if got, err := c.Granted(t.Context(), []Module{Base(), module("")}, []Access{others}); err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", suite, got, err)
		}
	}
}

// TestRefused: what is not a policy is refused with a reason.
func TestRefused(t *testing.T) {
	c, err := New(t.Context(), Trixie)
	needs.NoError(t, err)
	for statements, reason := range map[string]string{
		"(allow process shadow_t (file (read)))":  "neverallow check failed",
		"(allow process nowhere_t (file (read)))": "Failed to resolve allow statement",
		"(": "parenthes",
	} {
		_, err := c.Granted(t.Context(), []Module{Base(), module(statements)}, nil)
		var refused *Refused
		if !errors.As(err, &refused) || !strings.Contains(refused.Output, reason) {
			t.Errorf("%s: %v", statements, err)
		}
	}
}

// TestDebian: the distribution's policy compiles with the templates, and refuses what it never allows.
func TestDebian(t *testing.T) {
	c, err := New(t.Context(), Trixie)
	needs.NoError(t, err)
	policy, err := Debian(t.Context())
	needs.NoError(t, err)
	if binary, err := c.Compile(t.Context(), append(policy, module(""))...); err != nil || len(binary) < 1<<20 {
		t.Errorf("%d bytes, %v", len(binary), err)
	}
	_, err = c.Compile(t.Context(), append(policy, module("(allow process shadow_t (file (read)))"))...)
	var refused *Refused
	if !errors.As(err, &refused) || !strings.Contains(refused.Output, "neverallow check failed") || !strings.Contains(refused.Output, "shadow_t") {
		t.Errorf("reading shadow_t: %v", err)
	}
}
