// SPDX-License-Identifier: Apache-2.0

package event_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/schemas"
)

// TestEscape shows what names become in an alert.
func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"/etc/passwd":               "/etc/passwd",
		"ünï 日本 {\"}":               "ünï 日本 {\"}",
		"a\nb\x00\x7f":              `a\x0ab\x00\x7f`,
		"\xff\xc3":                  `\xff\xc3`,
		`\xff`:                      `\\xff`,
		"\x1b[2J":                   `\x1b[2J`,
		"\u202eexe.txt\u2028\u00a0": `\xe2\x80\xaeexe.txt\xe2\x80\xa8\xc2\xa0`,
		"\ufffd":                    "\ufffd",
	} {
		if got := event.Escape(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	for _, bad := range []string{`\`, `\n`, `\x`, `\x4`, `\x41`, `\xFF`, "a\nb", "\xff"} {
		if got, err := event.Unescape(bad); err == nil {
			t.Errorf("%q is taken as %q", bad, got)
		}
	}
}

// TestText: what is written is printable, and gives the same bytes back.
func TestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune(`\xf0a`)), 0, 8, -1),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "bytes")
		text := event.Escape(in)
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q has what is not printable", text)
		}
		if got, err := event.Unescape(text); err != nil || got != in {
			t.Fatalf("%q comes back as %q, %v", in, got, err)
		}
	})
}

// fill sets every field of a value.
func fill(t *rapid.T, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), path)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), path)
		fill(t, v.Index(1), path)
	case reflect.String:
		v.SetString(string(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, path)))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(rapid.IntRange(1, 65535).Draw(t, path)))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(rapid.IntRange(1, 65535).Draw(t, path)))
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("%s is a %s", path, v.Kind())
	}
}

// TestLine: whatever bytes a process chooses, an event is one line, is as the
// schema says, and comes back whole.
func TestLine(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemas.Read("event")))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("event.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("event.json")
	rapid.Check(t, func(t *rapid.T) {
		var e event.Event
		fill(t, reflect.ValueOf(&e).Elem(), "event")
		e.Time = event.Stamp(time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), 123456789))
		e.Source = rapid.SampledFrom([]event.Source{event.AppArmor, event.SELinux, event.LSM}).Draw(t, "source")
		e.Verdict = rapid.SampledFrom([]event.Verdict{event.Block, event.Audit, event.WouldBlock}).Draw(t, "verdict")
		e.Policy.Mode, e.Process.State = "Audit", "gone"
		e.Access = []string{"read", "write"}
		line := e.Line()
		if i := bytes.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i != len(line)-1 || line[i] != '\n' {
			t.Fatalf("not one printable line: %q", line)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var back event.Event
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Fatalf("comes back otherwise (-written +read):\n%s", diff)
		}
	})
	for _, small := range []event.Event{
		{Time: event.Stamp(time.Unix(1, 0)), Source: event.AuditLog, Lost: 3},
		{Time: event.Stamp(time.Unix(1, 0)), Source: event.SELinux, Verdict: event.Block},
	} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(small.Line()))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v", small.Line(), err)
		}
	}
	for _, bad := range []string{
		`{}`, `{"time":"now","source":"apparmor","certain":false}`, `{"time":"2026-01-01T00:00:00Z","source":"x","certain":false}`,
		`{"time":"2026-01-01T00:00:00Z","source":"apparmor","certain":false,"more":1}`,
	} {
		value, _ := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if schema.Validate(value) == nil {
			t.Errorf("the schema takes %s", bad)
		}
	}
}
