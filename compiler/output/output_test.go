// SPDX-License-Identifier: Apache-2.0

package output

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tree reads a folder: path to content, "-> target" of a symbolic link, "/" of a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		switch {
		case d.IsDir():
			found[rel] = "/"
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			found[rel] = "-> " + target
			return err
		default:
			data, err := os.ReadFile(p)
			found[rel] = string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func files(content map[string]string) []File {
	var list []File
	for _, p := range slices.Sorted(maps.Keys(content)) {
		list = append(list, File{p, []byte(content[p])})
	}
	return list
}

func write(t *testing.T, dir string, content map[string]string, opt Options) Result {
	t.Helper()
	result, err := Write(dir, files(content), opt)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*.avert")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return result
}

func put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "out")
	first := map[string]string{"a.yaml": "1", "manifests/b.yaml": "2", "manifests/gone.yaml": "3", "old/c.json": "4"}
	expect(t, write(t, dir, first, Options{}), Result{Written: []string{"a.yaml", "manifests/b.yaml", "manifests/gone.yaml", "old/c.json"}})
	expect(t, tree(t, dir), map[string]string{
		".": "/", "manifests": "/", "old": "/",
		"a.yaml": "1", "manifests/b.yaml": "2", "manifests/gone.yaml": "3", "old/c.json": "4",
		indexName: `{
  "format": 1,
  "files": [
    {"path":"a.yaml","sha256":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"},
    {"path":"manifests/b.yaml","sha256":"d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35"},
    {"path":"manifests/gone.yaml","sha256":"4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce"},
    {"path":"old/c.json","sha256":"4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a"}
  ]
}
`,
	})

	second := map[string]string{"a.yaml": "1", "manifests/b.yaml": "changed", "new/d.yaml": "5"}
	expect(t, write(t, dir, second, Options{}), Result{
		Written: []string{"manifests/b.yaml", "new/d.yaml"}, Unchanged: []string{"a.yaml"}, Kept: []string{"manifests/gone.yaml", "old/c.json"},
	})
	put(t, filepath.Join(dir, "manifests/gone.yaml"), "edited")
	expect(t, write(t, dir, second, Options{Prune: true}), Result{
		Unchanged: []string{"a.yaml", "manifests/b.yaml", "new/d.yaml"}, Pruned: []string{"old/c.json"}, Kept: []string{"manifests/gone.yaml"},
	})
	got := tree(t, dir)
	delete(got, indexName)
	expect(t, got, map[string]string{
		".": "/", "manifests": "/", "new": "/",
		"a.yaml": "1", "manifests/b.yaml": "changed", "manifests/gone.yaml": "edited", "new/d.yaml": "5",
	})
}

func TestNothingIsTouchedWithoutDifference(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "out")
	content := map[string]string{"a": "1", "b/c": "2"}
	write(t, dir, content, Options{})
	long := time.Unix(1000, 0)
	for p := range tree(t, parent) {
		if err := os.Chtimes(filepath.Join(parent, p), long, long); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := os.Stat(dir)
	expect(t, write(t, dir, content, Options{Prune: true}), Result{Unchanged: []string{"a", "b/c"}})
	after, _ := os.Stat(dir)
	if !os.SameFile(before, after) {
		t.Error("the folder was replaced")
	}
	for p := range tree(t, parent) {
		if info, _ := os.Lstat(filepath.Join(parent, p)); !info.ModTime().Equal(long) {
			t.Errorf("%s was touched", p)
		}
	}
}

func TestUnchangedFilesAndForeignOnesStayTheSame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	write(t, dir, map[string]string{"same": "1", "other": "2"}, Options{})
	put(t, filepath.Join(dir, "mine/notes.txt"), "notes")
	for _, err := range []error{
		os.Chmod(filepath.Join(dir, "mine/notes.txt"), 0o4711),
		os.Mkdir(filepath.Join(dir, "empty"), 0o750),
		os.Mkdir(filepath.Join(dir, "locked"), 0o755),
		os.Symlink("/etc/passwd", filepath.Join(dir, "outside")),
		os.Symlink("mine", filepath.Join(dir, "inside")),
		os.WriteFile(filepath.Join(dir, "locked", "x"), []byte("x"), 0o400),
		os.Chmod(filepath.Join(dir, "locked"), 0o500),
		os.Chmod(dir, 0o711),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	describe := func() map[string]string {
		all := map[string]string{}
		for p := range tree(t, dir) {
			info, err := os.Lstat(filepath.Join(dir, p))
			if err != nil {
				t.Fatal(err)
			}
			all[p] = info.Mode().String()
			if info.Mode().IsRegular() {
				all[p] += info.ModTime().String()
			}
		}
		delete(all, "other")
		delete(all, indexName)
		return all
	}
	before, content := describe(), tree(t, dir)
	write(t, dir, map[string]string{"same": "1", "other": "3"}, Options{Prune: true})
	expect(t, describe(), before)
	after := tree(t, dir)
	expect(t, after["other"], "3")
	for _, p := range []string{"other", indexName} {
		delete(content, p)
		delete(after, p)
	}
	expect(t, after, content)
	if err := os.Chmod(filepath.Join(dir, "locked"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestCopyWhereThereAreNoHardLinks(t *testing.T) {
	parent := t.TempDir()
	put(t, filepath.Join(parent, "out", "foreign"), "content")
	name := filepath.Join(parent, "out", "foreign")
	long := time.Unix(1000, 0)
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, long, long); err != nil {
		t.Fatal(err)
	}
	target, err := openTarget(filepath.Join(parent, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	info, _ := os.Stat(name)
	if err := os.MkdirAll(filepath.Join(parent, target.staged()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (&stage{t: target}).copy(entry{"foreign", info}); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(parent, target.staged(), "foreign")
	expect(t, tree(t, copied), map[string]string{".": "content"})
	after, _ := os.Stat(copied)
	expect(t, after.Mode(), info.Mode())
	expect(t, after.ModTime(), info.ModTime())
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	write(t, dir, map[string]string{"a/b": "1"}, Options{})
	for name, want := range map[string]fs.FileMode{".": 0o755, "a": 0o755, "a/b": 0o644, indexName: 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, info.Mode().Perm(), want&^umask(t))
	}
}

// umask is what the system takes from the mode of a new file.
func umask(t *testing.T) fs.FileMode {
	name := filepath.Join(t.TempDir(), "probe")
	if err := os.Mkdir(name, 0o777); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return 0o777 &^ info.Mode().Perm()
}

func TestWriteErrors(t *testing.T) {
	valid := map[string]string{"a": "1"}
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		dir     string // instead of the one prepared
		files   []File
		want    string
	}{
		{name: "absolute", files: []File{{Path: "/a"}}, want: "not a clean relative path"},
		{name: "traversal", files: []File{{Path: "../a"}}, want: "not a clean relative path"},
		{name: "inner traversal", files: []File{{Path: "a/../../b"}}, want: "not a clean relative path"},
		{name: "empty", files: []File{{Path: ""}}, want: "not a clean relative path"},
		{name: "dot", files: []File{{Path: "."}}, want: "not a clean relative path"},
		{name: "long", files: []File{{Path: strings.Repeat("a/", 600) + "b"}}, want: "not a clean relative path"},
		{name: "NUL", files: []File{{Path: "a\x00b"}}, want: "control character"},
		{name: "index", files: []File{{Path: indexName}}, want: "name of the index"},
		{name: "twice", files: []File{{Path: "a"}, {Path: "a"}}, want: "two back-ends"},
		{name: "file and folder", files: []File{{Path: "a"}, {Path: "a.b"}, {Path: "a/b"}}, want: "a is a generated file"},
		{name: "no folder", dir: "", want: "no output folder"},
		{name: "root", dir: "/", want: "choose a folder of its own"},
		{name: "current folder", dir: ".", want: "current folder"},
		{name: "above the current folder", dir: "../..", want: "current folder"},
		{name: "a file", want: "is a file", prepare: func(t *testing.T, dir string) { put(t, dir, "x") }},
		{name: "below a file", want: "not a directory", dir: "output_test.go/out/x"},
		{name: "a symbolic link", want: "symbolic link", prepare: func(t *testing.T, dir string) { symlink(t, t.TempDir(), dir) }},
		{name: "foreign file in the way", want: "was not generated by avert", prepare: func(t *testing.T, dir string) { put(t, filepath.Join(dir, "a"), "mine") }},
		{name: "folder in the way", want: "is not a regular file", prepare: func(t *testing.T, dir string) { put(t, filepath.Join(dir, "a/b"), "mine") }},
		{name: "link in the way", want: "is not a regular file", prepare: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "b"), "1")
			symlink(t, "b", filepath.Join(dir, "a"))
		}},
		{name: "linked folder in the way", files: files(map[string]string{"manifests/a": "1"}), want: "manifests is not a folder", prepare: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "b"), "1")
			symlink(t, t.TempDir(), filepath.Join(dir, "manifests"))
		}},
		{name: "index names a file outside", want: "not a clean relative path", prepare: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, indexName), string(index{"../secret": hash(nil)}.encode()))
		}},
		{name: "index is a link", want: "not a regular file", prepare: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "b"), string(index{}.encode()))
			symlink(t, "b", filepath.Join(dir, indexName))
		}},
		{name: "index is no index", want: "not an index", prepare: func(t *testing.T, dir string) { put(t, filepath.Join(dir, indexName), "<<<<<<< HEAD") }},
		{name: "index goes on", want: "more follows", prepare: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, indexName), string(index{}.encode())+"{}")
		}},
		{name: "index of the future", want: "format 2", prepare: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, indexName), `{"format": 2, "files": []}`)
		}},
		{name: "index with a bad hash", want: "not a SHA-256", prepare: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, indexName), `{"format": 1, "files": [{"path": "a", "sha256": "00"}]}`)
		}},
		{name: "planted link as lock", want: "symbolic link", prepare: func(t *testing.T, dir string) {
			inside := filepath.Join(filepath.Dir(dir), "victim")
			if err := os.Mkdir(inside, 0o700); err != nil {
				t.Fatal(err)
			}
			symlink(t, "victim", filepath.Join(filepath.Dir(dir), ".out.avert"))
		}},
		{name: "planted folder as lock", want: "not a folder that avert made", prepare: func(t *testing.T, dir string) {
			name := filepath.Join(filepath.Dir(dir), ".out.avert")
			if err := os.Mkdir(name, 0o755); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, parent := tt.dir, ""
			if dir == "" && tt.name != "no folder" {
				parent = t.TempDir()
				dir = filepath.Join(parent, "out")
			}
			if tt.prepare != nil {
				tt.prepare(t, dir)
			}
			var before map[string]string
			if parent != "" {
				before = tree(t, parent)
			}
			list := tt.files
			if list == nil {
				list = files(valid)
			}
			_, err := Write(dir, list, Options{Prune: true})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if parent != "" {
				expect(t, tree(t, parent), before)
			}
		})
	}
}

func symlink(t *testing.T, points, name string) {
	t.Helper()
	if err := os.Symlink(points, name); err != nil {
		t.Fatal(err)
	}
}

func TestSameForeignContentIsAdopted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	put(t, filepath.Join(dir, "a"), "1")
	expect(t, write(t, dir, map[string]string{"a": "1"}, Options{}), Result{Unchanged: []string{"a"}})
	expect(t, write(t, dir, map[string]string{"a": "2"}, Options{}), Result{Written: []string{"a"}})
}

func TestPruneMakesRoomForAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	write(t, dir, map[string]string{"a": "1"}, Options{})
	if _, err := Write(dir, files(map[string]string{"a/b": "1"}), Options{}); err == nil || !strings.Contains(err.Error(), "a is not a folder") {
		t.Errorf("error %v", err)
	}
	expect(t, write(t, dir, map[string]string{"a/b": "1"}, Options{Prune: true}), Result{Written: []string{"a/b"}, Pruned: []string{"a"}})
	expect(t, tree(t, dir)["a/b"], "1")
}

func TestEditedFilesAreGeneratedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	write(t, dir, map[string]string{"a": "1"}, Options{})
	put(t, filepath.Join(dir, "a"), "edited")
	expect(t, write(t, dir, map[string]string{"a": "1"}, Options{}), Result{Written: []string{"a"}})
	expect(t, tree(t, dir)["a"], "1")
}

func TestLeftoverIsClearedAway(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "out")
	write(t, dir, map[string]string{"a": "1"}, Options{})
	if err := os.Mkdir(filepath.Join(parent, ".out.avert"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(parent, ".out.avert", "tree", "half"), "x")
	write(t, dir, map[string]string{"a": "1"}, Options{}) // checks that nothing is left
}

func TestLockIsHeldByAnother(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	var targets [2]*target
	for i := range targets {
		var err error
		if targets[i], err = openTarget(dir); err != nil {
			t.Fatal(err)
		}
		defer targets[i].close()
	}
	first, err := targets[0].lock(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := targets[1].lock(0); err == nil || !strings.Contains(err.Error(), "another run is writing "+dir) {
		t.Errorf("error %v", err)
	}
	first.unlock()
	second, err := targets[1].lock(0)
	if err != nil {
		t.Fatal(err)
	}
	second.unlock()
}

func TestCarryLate(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "out")
	target, err := openTarget(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	old := filepath.Join(parent, target.staged())
	put(t, filepath.Join(old, "seen"), "seen")
	put(t, filepath.Join(old, "replaced"), "before")
	p := plan{t: target}
	put(t, filepath.Join(dir, "replaced"), "before")
	put(t, filepath.Join(dir, "generated"), "new")
	seen := []entry{}
	for _, name := range []string{"seen", "replaced"} {
		info, err := os.Stat(filepath.Join(old, name))
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, entry{name, info})
	}
	put(t, filepath.Join(old, "generated"), "edited meanwhile")
	put(t, filepath.Join(old, "sub/late"), "late")
	put(t, filepath.Join(old, "fresh"), "after")
	if err := os.Rename(filepath.Join(old, "fresh"), filepath.Join(old, "replaced")); err != nil {
		t.Fatal(err)
	}
	if err := p.t.carryLate(seen, index{"generated": "x"}); err != nil {
		t.Fatal(err)
	}
	expect(t, tree(t, dir), map[string]string{".": "/", "generated": "new", "replaced": "after", "sub": "/", "sub/late": "late"})
}

func TestVerify(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none", "out")
	content := map[string]string{"a": "1", "b": "2", "c/d": "3", "e/f": "4"}
	check := func(content map[string]string, want ...Difference) {
		t.Helper()
		got, err := Verify(dir, files(content))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, got, want)
	}
	check(map[string]string{"a": "1"}, Difference{indexName, Missing}, Difference{"a", Missing})
	write(t, dir, content, Options{})
	put(t, filepath.Join(dir, "foreign"), "x")
	check(content)
	put(t, filepath.Join(dir, "b"), "edited")
	if err := os.Remove(filepath.Join(dir, "c/d")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "e")); err != nil {
		t.Fatal(err)
	}
	symlink(t, "/etc", filepath.Join(dir, "e"))
	check(content, Difference{"b", Changed}, Difference{"c/d", Missing}, Difference{"e/f", Missing})
	check(map[string]string{"b": "edited", "c/d": "3", "e/f": "4"}, Difference{indexName, Changed}, Difference{"a", Stale}, Difference{"c/d", Missing}, Difference{"e/f", Missing})
	put(t, filepath.Join(dir, indexName), "{")
	check(map[string]string{"a": "1"}, Difference{indexName, Unreadable})
}
