// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/output"
	"github.com/avert-dev/avert/compiler/syntax"
)

// tree makes a fresh working folder with files (path to text), symbolic links
// (text "-> target"), folders ("/") and named pipes ("|").
func tree(t *testing.T, content map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for path, text := range content {
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if target, ok := strings.CutPrefix(text, "-> "); err == nil && ok {
			err = os.Symlink(target, path)
		} else if text == "/" {
			err = os.MkdirAll(path, 0o755)
		} else if text == "|" {
			err = syscall.Mkfifo(path, 0o644)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// read returns "name=text" of each file, "name: message" of each finding, and the error.
func read(t *testing.T, root string, args ...string) (files, findings []string, err error) {
	t.Helper()
	list := &diag.List{}
	got, err := Read(args, root, strings.NewReader("stdin"), list)
	for _, f := range got {
		files = append(files, f.Name+"="+string(f.Source))
	}
	for _, d := range list.Sorted() {
		findings = append(findings, d.Span.File.Name+": "+d.Message)
	}
	return files, findings, err
}

func TestRead(t *testing.T) {
	generated := map[string]string{"out/.avert-index.json": "{}", "out/x.yaml": "x"}
	tests := []struct {
		name     string
		tree     map[string]string
		args     []string
		files    []string
		findings []string
		err      string // a part of it
	}{
		{"file", map[string]string{"a.txt": "a"}, []string{"a.txt"}, []string{"a.txt=a"}, nil, ""},
		{"folder", map[string]string{"d/b.yml": "b", "d/sub/a.yaml": "a", "d/c.txt": "c"}, []string{"d"}, []string{"d/b.yml=b", "d/sub/a.yaml=a"}, nil, ""},
		{"hidden", map[string]string{"a.yaml": "a", ".b.yaml": "b", ".c/d.yaml": "d", ".avert.yaml": "c"}, []string{"."}, []string{".avert.yaml=c", "a.yaml=a"}, nil, ""},
		{"hidden, named", map[string]string{".b.yaml": "b", ".c/d.yaml": "d"}, []string{".b.yaml", ".c"}, []string{".b.yaml=b", ".c/d.yaml=d"}, nil, ""},
		{"generated", map[string]string{"a.yaml": "a", "out/.avert-index.json": "{}", "out/x.yaml": "x"}, []string{"."}, []string{"a.yaml=a"}, nil, ""},
		{"generated alone", generated, []string{"out"}, nil, nil, "out holds no .yaml or .yml file"},
		{"empty folder", map[string]string{"d": "/"}, []string{"d"}, nil, nil, "d holds no .yaml or .yml file"},
		{"stdin", nil, []string{"-", "-"}, []string{"<stdin>=stdin"}, nil, ""},
		{"twice", map[string]string{"d/a.yaml": "a"}, []string{"d", "d/a.yaml", "./d/../d/a.yaml"}, []string{"d/a.yaml=a"}, nil, ""},
		{"link to a file", map[string]string{"a.yaml": "a", "d/b.yaml": "-> ../a.yaml"}, []string{"d"}, []string{"d/b.yaml=a"}, nil, ""},
		{"file and link", map[string]string{"a.yaml": "a", "b.yaml": "-> a.yaml"}, []string{"b.yaml", "a.yaml"}, []string{"a.yaml=a"}, nil, ""},
		{"link to a folder", map[string]string{"x/a.yaml": "a", "d/l": "-> ../x"}, []string{"d"}, []string{"d/l/a.yaml=a"}, nil, ""},
		{"folder by two ways", map[string]string{"d/x/a.yaml": "a", "d/l": "-> x"}, []string{"d"}, []string{"d/l/a.yaml=a"}, nil, ""},
		{"loop", map[string]string{"d/a.yaml": "a", "d/l": "-> ."}, []string{"d"}, []string{"d/a.yaml=a"}, []string{"d/l: a loop of symbolic links: it leads back to a folder that holds it"}, ""},
		{"loop of links", map[string]string{"d/a": "-> b", "d/b": "-> a", "d/c.yaml": "c"}, []string{"d"}, []string{"d/c.yaml=c"}, []string{"d/a: a loop of symbolic links", "d/b: a loop of symbolic links"}, ""},
		{"loop, named", map[string]string{"a": "-> a"}, []string{"a"}, nil, nil, "a: a loop of symbolic links"},
		{"dangling", map[string]string{"d/a.yaml": "-> nowhere"}, []string{"d"}, nil, []string{"d/a.yaml: a symbolic link to nowhere, which does not exist"}, ""},
		{"dangling, named", map[string]string{"a": "-> nowhere"}, []string{"a"}, nil, nil, "a: a symbolic link to nowhere, which does not exist"},
		{"pipe", map[string]string{"p.yaml": "|"}, []string{"p.yaml"}, nil, []string{"p.yaml: this is a pipe, not a regular file"}, ""},
		{"pipe in a folder", map[string]string{"d/p.yaml": "|", "d/q": "|"}, []string{"d"}, nil, []string{"d/p.yaml: this is a pipe, not a regular file"}, ""},
		{"device", nil, []string{"/dev/zero"}, nil, []string{"/dev/zero: this is a device, not a regular file"}, ""},
		{"missing", map[string]string{"policies/a.yaml": "a"}, []string{"polices"}, nil, nil, "polices: does not exist; did you mean policies?"},
		{"missing below", map[string]string{"policies/a.yaml": "a"}, []string{"polices/a.yaml"}, nil, nil, "did you mean policies?"},
		{"missing, unlike all", nil, []string{"x/y/z"}, nil, nil, "x/y/z: does not exist"},
		{"several errors", map[string]string{"a.yaml": "a"}, []string{"x", "", "a.yaml"}, []string{"a.yaml=a"}, nil, "an empty path was given\nx: does not exist"},
		{"below a file", map[string]string{"a.yaml": "a"}, []string{"a.yaml/b"}, nil, nil, "a.yaml/b: not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tree(t, test.tree)
			files, findings, err := read(t, "", test.args...)
			if d := cmp.Diff(test.files, files); d != "" {
				t.Error("files (-want +got):", d)
			}
			if d := cmp.Diff(test.findings, findings); d != "" {
				t.Error("findings (-want +got):", d)
			}
			if (test.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

func TestNames(t *testing.T) {
	tree(t, map[string]string{"repo/sub/a.yaml": "", "other/b.yaml": ""})
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("repo/sub")
	for _, test := range []struct{ root, arg, want string }{
		{"", "a.yaml", "a.yaml"},
		{"", filepath.Join(top, "repo/sub/a.yaml"), "a.yaml"},
		{filepath.Join(top, "repo"), "a.yaml", "sub/a.yaml"},
		{filepath.Join(top, "repo"), "../../other/b.yaml", "../../other/b.yaml"},
		{filepath.Join(top, "other"), "a.yaml", "a.yaml"},
	} {
		files, _, err := read(t, test.root, test.arg)
		if want := []string{test.want + "="}; err != nil || !slices.Equal(files, want) {
			t.Errorf("%s with root %q: %q, %v, want %q", test.arg, test.root, files, err, want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	tree(t, map[string]string{"large.yaml": "", "fits.yaml": ""})
	// Sparse: a file that would be read in full would take its time.
	for name, size := range map[string]int64{"large.yaml": 1 << 40, "fits.yaml": syntax.MaxBytes} {
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
	}
	list := &diag.List{}
	files, err := Read([]string{"large.yaml", "fits.yaml"}, "", nil, list)
	if err != nil || len(files) != 1 || files[0].Name != "fits.yaml" {
		t.Errorf("files %v, error %v", files, err)
	}
	if found := list.Sorted(); len(found) != 1 || found[0].Code != diag.TooLarge {
		t.Errorf("findings %v", found)
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestEndlessStdin(t *testing.T) {
	list := &diag.List{}
	files, err := Read([]string{"-"}, "", zeros{}, list)
	if found := list.Sorted(); err != nil || len(files) != 0 || len(found) != 1 || found[0].Code != diag.TooLarge {
		t.Errorf("files %v, error %v, findings %v", files, err, found)
	}
}

func TestTotal(t *testing.T) {
	content := map[string]string{}
	for i := range MaxTotal/syntax.MaxBytes + 3 {
		content["d/"+string(rune('a'+i))+".yaml"] = ""
	}
	tree(t, content)
	for name := range content {
		if err := os.Truncate(name, syntax.MaxBytes); err != nil {
			t.Fatal(err)
		}
	}
	list := &diag.List{}
	files, err := Read([]string{"d"}, "", nil, list)
	if found := list.Sorted(); err != nil || len(files) != MaxTotal/syntax.MaxBytes || len(found) != 1 || found[0].Code != diag.TooLarge {
		t.Errorf("%d files, error %v, findings %v", len(files), err, found)
	}
}

func TestNamed(t *testing.T) {
	tree(t, map[string]string{"d/a.yaml": "", "d/b.yaml": ""})
	for _, args := range [][]string{{"d", "d/a.yaml"}, {"d/a.yaml", "d"}} {
		files, err := Read(args, "", nil, &diag.List{})
		if err != nil || len(files) != 2 || !files[0].Named || files[1].Named {
			t.Errorf("%q: %+v, %v", args, files, err)
		}
	}
}

// TestIndexName holds the name of the index in package output and here together.
func TestIndexName(t *testing.T) {
	tree(t, nil)
	if _, err := output.Write("out", []output.File{{Path: "a.yaml", Data: []byte("a")}}, output.Options{}); err != nil {
		t.Fatal(err)
	}
	if files, _, err := read(t, "", "."); err == nil || len(files) > 0 {
		t.Errorf("a generated tree is read: %q, %v", files, err)
	}
}

func TestOrder(t *testing.T) {
	tree(t, map[string]string{"a/1.yaml": "1", "b/2.yaml": "-> ../a/1.yaml", "b/3.yaml": "3", "c": "-> b", "d/4.yaml": "-> gone", "d/l": "-> ../a"})
	args := []string{"a", "b", "c", "d", "a/1.yaml", "-", "gone", "b/./3.yaml"}
	files, findings, err := read(t, "", args...)
	rapid.Check(t, func(rt *rapid.T) {
		f, d, e := read(t, "", rapid.Permutation(args).Draw(rt, "args")...)
		if diff := cmp.Diff([]any{files, findings, err.Error()}, []any{f, d, e.Error()}); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestFindConfig(t *testing.T) {
	tree(t, map[string]string{
		".avert.yaml": "", "home/me/project/.git": "/", "home/me/project/sub/dir/a.yaml": "",
		"home/me/other/.avert.yaml": "", "home/me/other/sub/.git": "/", "home/me/other/x/.avert.yaml": "", "home/me/other/x/a.yaml": "",
		"home/me/other/y/a.yaml": "", "home/me/plain/sub": "/", "srv/.avert.yaml": "-> gone", "srv/x": "/",
	})
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		cwd  string
		args []string
		want string
	}{
		{"home", []string{"."}, ".avert.yaml"},
		{"home", nil, ".avert.yaml"},
		{"home/me/project/sub/dir", []string{"a.yaml"}, ""},
		{"home/me/other", []string{"y"}, "home/me/other/.avert.yaml"},
		{"home/me/other", []string{"x"}, "home/me/other/x/.avert.yaml"},
		{"home/me/other", []string{"x/a.yaml", "-"}, "home/me/other/x/.avert.yaml"},
		{"home/me/other", []string{"x", "y/a.yaml"}, "home/me/other/.avert.yaml"},
		{"home/me/other", []string{"-"}, "home/me/other/.avert.yaml"},
		{"home/me/other", []string{"x/none.yaml"}, "home/me/other/x/.avert.yaml"},
		{"home/me/other", []string{"x/a.yaml/none"}, "home/me/other/x/.avert.yaml"},
		{"home/me/other", []string{"../project/sub"}, "home/me/other/.avert.yaml"},
		{"home/me/other", []string{filepath.Join(top, "home/me/other/x")}, "home/me/other/x/.avert.yaml"},
		{"home/me/other/sub", nil, ""},
		{"home/me/plain/sub", []string{"."}, ""},
		{"srv/x", nil, "srv/.avert.yaml"},
	} {
		t.Chdir(filepath.Join(top, test.cwd))
		got, err := FindConfig(test.args, filepath.Join(top, "home/me"))
		if got != "" {
			got, _ = filepath.Rel(top, filepath.Join(top, test.cwd, got))
		}
		if got != test.want || err != nil {
			t.Errorf("%s, %q: %q, %v, want %q", test.cwd, test.args, got, err, test.want)
		}
	}
}

func TestReadFile(t *testing.T) {
	tree(t, map[string]string{"conf/.avert.yaml": "c", "folder": "/"})
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	list := &diag.List{}
	f, err := ReadFile("conf/.avert.yaml", filepath.Join(cwd, "conf"), list)
	if err != nil || f.Name != ".avert.yaml" || !bytes.Equal(f.Source, []byte("c")) {
		t.Errorf("%v, %v", f, err)
	}
	if f, err := ReadFile("conf/.avert.yml", "", list); err == nil || !strings.Contains(err.Error(), "did you mean conf/.avert.yaml?") {
		t.Errorf("missing: %v, %v", f, err)
	}
	if err := os.Symlink("gone", "link"); err != nil {
		t.Fatal(err)
	}
	if f, err := ReadFile("link", "", list); err == nil || !strings.Contains(err.Error(), "a symbolic link to gone, which does not exist") {
		t.Errorf("link: %v, %v", f, err)
	}
	if f, err := ReadFile("folder", "", list); f != nil || err != nil || len(list.Sorted()) != 1 {
		t.Errorf("folder: %v, %v, %v", f, err, list.Sorted())
	}
}
