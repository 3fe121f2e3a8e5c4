// SPDX-License-Identifier: Apache-2.0

package format

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/syntax"
)

func TestSource(t *testing.T) {
	long := strings.Repeat("x", 70)
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"white space", " \n\t\n", ""},
		{"only comments", "\n\n# a\n\n\n# b", "# a\n\n# b\n"},
		{"line ends and byte order mark", "\ufeffa: 1\r\nb: 2\rc: 3", "a: 1\nb: 2\nc: 3\n"},
		{"indentation", "a:\n     b:\n      - c\nd:\n- e\n", "a:\n  b:\n    - c\nd:\n  - e\n"},
		{"blank lines", "a: 1\n\n\n\nb:\n\n  c: 1\n\n  d: 1\n\n", "a: 1\n\nb:\n  c: 1\n\n  d: 1\n"},
		{"documents", "a\n---\n\n\nb\n\n---\n...\n# c\n--- # d\ne # f", "a\n---\nb\n\n---\n# c\n---  # d\ne  # f\n"},
		{"line comments", "a: 1   # x\nb: # y\n  c\nd: # z\n  e: 1", "a: 1  # x\n# y\nb: c\nd:  # z\n  e: 1\n"},
		{
			"comments below",
			"a:\n  b: 1\n  # end of a\n\n# before c\nc:\n  # instead of d\ne:\n- 1\n# before the second\n- 2\n# end",
			"a:\n  b: 1\n  # end of a\n\n# before c\nc:\n  # instead of d\ne:\n  - 1\n  # before the second\n  - 2\n# end\n",
		},
		{"comments keep their order", "a:\n  b:\n    c: 1\n  # 1\n    # 2\n# 3\n  # 4\nd: 1\n", "a:\n  b:\n    c: 1\n  # 1\n  # 2\n# 3\n# 4\nd: 1\n"},
		{"comment above the first key of an item", "a:\n-\n  # x\n  b: 1\n  # y\n  c: 1\n", "a:\n  # x\n  - b: 1\n    # y\n    c: 1\n"},
		{"comment behind a dash", "- # x\n  b: 1\n", "-  # x\n  b: 1\n"},
		{"flow stays", "a: [ 1,2 , {b:   c} ]  # x\nd: {}\ne: []\n", "a: [1, 2, {b: c}]  # x\nd: {}\ne: []\n"},
		{
			"flow on several lines",
			"a: [ # 1\n  b, # 2\n  # 3\n  {c: d,\n  e: f}, # 4\n  # 5\n] # 6\n",
			"a:  # 1\n  - b  # 2\n  # 3\n  -  # 4\n    c: d\n    e: f\n  # 5\n  # 6\n",
		},
		{"flow that is too long", "a: {b: " + long + ", c: [" + long + "], d: 12345678}\n", "a:\n  b: " + long + "\n  c: [" + long + "]\n  d: 12345678\n"},
		{"flow that just fits", "a: {b: " + long + ", c: " + long + ", d: 12} # x\n", "a: {b: " + long + ", c: " + long + ", d: 12}  # x\n"},
		{"quotes that are not needed", `a: ["x", 'y z', "/etc/**", 'it''s', "a:b", "-c", "10.0.0.0/8"]`, "a: [x, y z, /etc/**, it's, a:b, -c, 10.0.0.0/8]\n"},
		{
			"quotes that are needed",
			`a: ['', ' x', '1', '0x1', '1.5', '1:30', '2024-01-01', 'yes', 'Null', '~', '*x', 'a: b', 'a #b', '- a', '.inf', '{a}', '---', "\ta", "\x00\u2028\U0001f4a9\e"]`,
			`a: ["", " x", "1", "0x1", "1.5", "1:30", "2024-01-01", "yes", "Null", "~", "*x", "a: b", "a #b", "- a", ".inf", "{a}", "---", "\ta", "\x00\u2028💩\x1b"]` + "\n",
		},
		{"braces need quotes in braces only", "a: '/{usr/,}bin'\nb: ['/{usr/,}bin']\n", "a: /{usr/,}bin\nb: [\"/{usr/,}bin\"]\n"},
		{"single quotes save escapes", `a: "*\\.y \"z\""`, `a: '*\.y "z"'` + "\n"},
		{"plain scalars keep their type", "a: [yes, 0o17, 1_000, 2024-01-01, ~, null]\nb: ~\nc:\n", "a: [yes, 0o17, 1_000, 2024-01-01, ~, null]\nb: ~\nc:\n"},
		{"scalars on several lines", "a: b\n  c\nd: 'e\n\n  f'\n", "a: b c\nd: \"e\\nf\"\n"},
		{
			"block scalars",
			"a: |   # x\n     b # no\n      c\n\n\nd: >+\n e\n\n f\n\n\n\ng: |1-\n   h\n",
			"a: |  # x\n  b # no\n   c\n\nd: >+\n  e\n\n  f\n\n\n\ng: |2-\n    h\n",
		},
		{"block scalar without a last line end", "a: |\n  b", "a: |-\n  b\n"},
		{"block scalar without text", "a: |+\n\n\nb: |\nc: 1", "a: \"\\n\\n\"\nb: \"\"\nc: 1\n"},
		{"properties", "a: &x   !!str   1\nb:   &y\n  c: *x\n*x : !foo [&z , ! b]\n", "a: &x !!str 1\nb: &y\n  c: *x\n*x : !foo [&z null, ! b]\n"},
		{"explicit keys", "? a\n: b\n? c\n", "a: b\nc:\n"},
		{
			"order of keys",
			"# file\nspec: {accept: [], network: {rules: [{ports: [], action: Allow, name: x}], default: Block}, selector: {}}\n\n# kind\nkind: RuntimePolicy\nextra: 1\nmetadata:\n  labels: {z: 1, a: 2}\n  name: x\napiVersion: avert.dev/v1alpha1\n",
			"# file\napiVersion: avert.dev/v1alpha1\n\n# kind\nkind: RuntimePolicy\nmetadata:\n  name: x\n  labels: {z: 1, a: 2}\nspec: {selector: {}, network: {default: Block, rules: [{name: x, action: Allow, ports: []}]}, accept: []}\nextra: 1\n",
		},
		{"order of keys stays with anchors", "kind: Config\npools: &x []\napiVersion: avert.dev/v1alpha1\n", "kind: Config\npools: &x []\napiVersion: avert.dev/v1alpha1\n"},
		{"order of keys of others", "kind: Deployment\napiVersion: apps/v1\n", "kind: Deployment\napiVersion: apps/v1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Source([]byte(tt.in), "f.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			check(t, []byte(tt.in))
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"unclosed", "a: [b", "f.yaml:2:1: "},
		{"tab", "a:\n\tb: 1", "f.yaml:2:1: "},
		{"unknown alias", "a: *b", "f.yaml:1:4: unknown anchor 'b' referenced"},
		{"not UTF-8", "a: é\xff", "f.yaml:1:5: not UTF-8 text"},
		{"UTF-16", "a\x00", "f.yaml:1:2: U+0000 is not allowed"},
		{"line separator", "a\n\"\u2028\"", "f.yaml:2:2: U+2028 ends a line for some"},
		{"directive", "%TAG ! tag:x,2000:\n---\na", "f.yaml:1:1: directives"},
		{"complex key", "? [a]\n: b", "f.yaml:1:3: a key that is itself"},
		{"long key", strings.Repeat("k", 2000) + "\n", ""},
		{"long explicit key", "? " + strings.Repeat("k", 2000) + "\n: v", "f.yaml:1:3: a key of more than 1000 bytes"},
		{"deep", strings.Repeat("[", 200), "f.yaml:1:101: more than 100 collections"},
		{"deep block", strings.Repeat("- ", 200), "more than 100 collections"},
		{"large", strings.Repeat(" ", MaxSize+1), "f.yaml: larger than 4 MiB"},
		{"many", strings.Repeat("a\n", MaxParts+1), "more than 500000 lines"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Source([]byte(tt.in), "f.yaml")
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if bad := new(Error); !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	want := "diff f.yaml (as it is) f.yaml (formatted)\n--- f.yaml (as it is)\n+++ f.yaml (formatted)\n@@ -1,2 +1,2 @@\n-a:  1\n+a: 1\n b: 2\n"
	if diff := cmp.Diff(want, Diff([]byte("a:  1\nb: 2\n"), []byte("a: 1\nb: 2\n"), "f.yaml")); diff != "" {
		t.Error(diff)
	}
	if got := Diff([]byte("a"), []byte("a"), "f.yaml"); got != "" {
		t.Error(got)
	}
}

// TestPolicyIsCanonical holds that the example of the language is in canonical form but for spaces before comments.
func TestPolicyIsCanonical(t *testing.T) {
	src, err := os.ReadFile("testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Source(src, "policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fields := func(b []byte) []string { return strings.Fields(strings.ReplaceAll(string(b), `"`, "")) }
	if diff := cmp.Diff(fields(src), fields(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestShapesKnowEveryKey compares the order of keys with the types of the language: a key that is added there needs a
// place here.
func TestShapesKnowEveryKey(t *testing.T) {
	shapes := documentShapes()
	compareShape(t, "RuntimePolicy", shapes["RuntimePolicy"], reflect.TypeFor[syntax.RuntimePolicy]())
	compareShape(t, "Config", shapes["Config"], reflect.TypeFor[syntax.Config]())
}

func compareShape(t *testing.T, path string, s *shape, typ reflect.Type) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return
	}
	for i := range typ.NumField() {
		field := typ.Field(i)
		key := field.Tag.Get("yaml")
		switch {
		case field.Anonymous && key == "":
			compareShape(t, path, s, field.Type)
		case key != "" && key != "-":
			if s == nil || !strings.Contains(" "+strings.Join(s.keys, " ")+" ", " "+key+" ") {
				t.Errorf("%s.%s has no place in the order of keys", path, key)
				continue
			}
			compareShape(t, path+"."+key, s.in[key], field.Type)
		}
	}
}

// TestAnyLayout formats random data in random layouts, with comments wherever YAML allows them, and finds each comment.
func TestAnyLayout(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &layout{t: rt}
		w.mapping(0, 3)
		w.gap(0)
		src := w.String()
		out, err := Source([]byte(src), "f.yaml")
		if err != nil {
			rt.Fatalf("%v\n%s", err, src)
		}
		for i := range w.comments {
			text := fmt.Sprintf("# c%d.", i)
			if strings.Count(string(out), text) != 1 {
				rt.Fatalf("%s is lost\n%s\n%s", text, src, out)
			}
		}
		check(t, []byte(src))
	})
}

// layout writes YAML in styles that rapid draws.
type layout struct {
	strings.Builder
	t        *rapid.T
	comments int
}

func (w *layout) chance(n int) bool { return rapid.IntRange(0, n-1).Draw(w.t, "chance") == 0 }

func (w *layout) comment() {
	fmt.Fprintf(w, "# c%d.", w.comments)
	w.comments++
}

// gap ends nothing: it writes blank lines and comments of any indentation before the next entry.
func (w *layout) gap(indent int) {
	for w.chance(3) {
		if w.chance(2) {
			w.WriteString(strings.Repeat(" ", rapid.IntRange(0, indent+3).Draw(w.t, "column")))
			w.comment()
		}
		w.WriteString("\n")
	}
}

// end ends a line, perhaps with a comment.
func (w *layout) end() {
	if w.chance(4) {
		w.WriteString("   ")
		w.comment()
	}
	w.WriteString("\n")
}

func (w *layout) mapping(indent, depth int) {
	for i := range rapid.IntRange(1, 4).Draw(w.t, "pairs") {
		w.gap(indent)
		w.WriteString(strings.Repeat(" ", indent))
		w.pair(i, indent, depth)
	}
}

func (w *layout) pair(i, indent, depth int) {
	fmt.Fprintf(w, rapid.SampledFrom([]string{"k%d:", "\"k%d\":", "'k%d' :", "? k%d\n" + strings.Repeat(" ", indent) + ":"}).Draw(w.t, "key"), i)
	w.value(indent, depth)
}

func (w *layout) value(indent, depth int) {
	kind := rapid.IntRange(0, 7).Draw(w.t, "kind")
	switch {
	case kind == 0 && depth > 0:
		w.end()
		w.mapping(indent+rapid.IntRange(1, 5).Draw(w.t, "deeper"), depth-1)
	case kind == 1 && depth > 0:
		w.end()
		w.sequence(indent+rapid.IntRange(1, 3).Draw(w.t, "deeper"), depth-1)
	case kind == 2:
		w.WriteString(" ")
		w.flow(indent+1, depth)
		w.end()
	case kind == 3:
		style := rapid.SampledFrom([]string{"|", ">", "|-", ">+", "|+"}).Draw(w.t, "style")
		w.WriteString(" " + style)
		w.end()
		margin := strings.Repeat(" ", indent+4) // deeper than any comment of gap, which would be text otherwise
		w.WriteString(margin + "text # none\n")
		for range rapid.IntRange(0, 3).Draw(w.t, "lines") {
			w.WriteString(rapid.SampledFrom([]string{margin + "'text", margin + "  more", margin + " ", "", " "}).Draw(w.t, "text") + "\n")
		}
	case kind == 4:
		w.end()
	default:
		w.WriteString(" ")
		w.scalar()
		w.end()
	}
}

func (w *layout) sequence(indent, depth int) {
	for range rapid.IntRange(1, 3).Draw(w.t, "items") {
		w.gap(indent)
		w.WriteString(strings.Repeat(" ", indent) + "-")
		if depth > 0 && w.chance(3) {
			w.WriteString(" ")
			w.pair(0, indent+2, depth-1)
			if w.chance(2) {
				w.WriteString(strings.Repeat(" ", indent+2))
				w.pair(1, indent+2, depth-1)
			}
			continue
		}
		w.value(indent, depth)
	}
}

func (w *layout) flow(indent, depth int) {
	pad := func() {
		if w.chance(6) {
			w.end()
			w.WriteString(strings.Repeat(" ", indent))
		}
	}
	w.WriteString("[")
	for i := range rapid.IntRange(0, 3).Draw(w.t, "items") {
		if i > 0 {
			w.WriteString(",")
		}
		pad()
		switch {
		case depth > 0 && w.chance(3):
			w.flow(indent, depth-1)
		case w.chance(3):
			w.WriteString("{a: ")
			w.scalar()
			pad()
			w.WriteString(", b: 1}")
		default:
			w.scalar()
		}
		pad()
	}
	w.WriteString("]")
}

func (w *layout) scalar() {
	w.WriteString(rapid.SampledFrom([]string{"1", "word", "\"a # b\"", "'it''s'", "\"yes\"", "/usr/bin/**", "two words", "~", "&a x", "!!str 1", "\"\\u2028\""}).Draw(w.t, "scalar"))
}
