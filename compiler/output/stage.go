// SPDX-License-Identifier: Apache-2.0

package output

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// stage is a new tree under construction in the sibling folder.
type stage struct {
	t      *target
	unsync []string // names, relative to the parent, of what must reach the disk before the exchange
}

// apply stages the new tree, puts it in the place of the old one, and removes the old one.
func (p plan) apply() error {
	old, err := p.scan()
	if err != nil {
		return err
	}
	s := &stage{t: p.t}
	if err := s.build(p, old); err != nil {
		return fmt.Errorf("cannot prepare the new tree, and %s is as it was: %w", p.t.dir, err)
	}
	if err := s.sync(); err != nil {
		return fmt.Errorf("cannot save the new tree to disk, and %s is as it was: %w", p.t.dir, err)
	}
	if err := p.t.exchange(len(old) > 0); err != nil {
		return err
	}
	if len(old) > 0 {
		err = p.t.carryLate(old, p.index)
	}
	if err == nil {
		err = p.t.removeStaged()
	}
	if err != nil {
		return fmt.Errorf("the new tree is in place at %s, but the old one could not be cleared away: %w", p.t.dir, err)
	}
	return nil
}

func (s *stage) in(p string) string { return path.Join(s.t.staged(), p) }

// build makes the new tree: what is carried over, then what is generated.
func (s *stage) build(p plan, old []entry) error {
	root := s.t.parent
	if err := root.Mkdir(s.in("."), 0o755); err != nil {
		return err
	}
	files := append(slices.Clip(p.write), File{indexName, p.index.encode()})
	replaced := make(map[string]bool, len(files))
	for _, f := range files {
		replaced[f.Path] = true
	}
	for _, e := range old {
		if replaced[e.path] || p.prune[e.path] {
			continue
		}
		if err := s.carry(e); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := root.MkdirAll(path.Dir(s.in(f.Path)), 0o755); err != nil {
			return err
		}
		if err := s.write(f); err != nil {
			return err
		}
	}
	for name := range p.prune {
		for up := path.Dir(name); up != "."; up = path.Dir(up) {
			if root.Remove(s.in(up)) != nil {
				break // still holds something
			}
		}
	}
	// Children before parents: a folder may be one that cannot be entered once it has its mode.
	for _, e := range slices.Backward(old) {
		if !e.info.IsDir() {
			continue
		}
		if err := s.restore(e); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fs.WalkDir(root.FS(), s.in("."), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			s.unsync = append(s.unsync, name)
		}
		return err
	})
}

func (s *stage) write(f File) error {
	name := s.in(f.Path)
	out, err := s.t.parent.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = out.Write(f.Data)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	s.unsync = append(s.unsync, name)
	return nil
}

// carry brings one file or folder of the old tree into the new one. A file gets a second hard link, so that it stays the
// same file whatever happens; where there are no hard links, a copy.
func (s *stage) carry(e entry) error {
	root, from, to := s.t.parent, s.t.in(e.path), s.in(e.path)
	switch mode := e.info.Mode(); {
	case mode.IsDir():
		if e.path == "" {
			return nil
		}
		return root.Mkdir(to, 0o700)
	case mode&fs.ModeSymlink != 0:
		points, err := root.Readlink(from)
		if err != nil {
			return err
		}
		return root.Symlink(points, to)
	}
	err := root.Link(from, to)
	switch {
	case errors.Is(err, syscall.EXDEV):
		return s.t.mountError(filepath.Join(s.t.dir, path.Dir(e.path)))
	case err == nil || !e.info.Mode().IsRegular():
		return err
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.EMLINK), errors.Is(err, syscall.ENOSYS):
		return s.copy(e)
	}
	return err
}

func (s *stage) copy(e entry) error {
	in, err := s.t.parent.Open(s.t.in(e.path))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := s.t.parent.OpenFile(s.in(e.path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	s.unsync = append(s.unsync, s.in(e.path))
	if err := s.restore(e); err != nil {
		return err
	}
	return s.t.parent.Chtimes(s.in(e.path), e.info.ModTime(), e.info.ModTime())
}

// restore gives a folder or a copy the mode that it had, and the owner as far as this user may.
func (s *stage) restore(e entry) error {
	stat := e.info.Sys().(*syscall.Stat_t)
	_ = s.t.parent.Lchown(s.in(e.path), int(stat.Uid), int(stat.Gid))
	const kept = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	return s.t.parent.Chmod(s.in(e.path), e.info.Mode()&kept)
}

// sync brings the staged tree to the disk. File systems commit concurrent requests together.
func (s *stage) sync() error {
	names := make(chan string)
	var (
		workers sync.WaitGroup
		mutex   sync.Mutex
		failed  error
	)
	for range 8 {
		workers.Go(func() {
			for name := range names {
				if err := s.t.syncOne(name); err != nil {
					mutex.Lock()
					failed = err
					mutex.Unlock()
				}
			}
		})
	}
	for _, name := range s.unsync {
		names <- name
	}
	close(names)
	workers.Wait()
	return failed
}

func (t *target) syncOne(name string) error {
	f, err := t.parent.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// carryLate moves what appeared or changed in the old tree between its listing and the exchange into the new one, unless
// it stands where a file was generated.
func (t *target) carryLate(old []entry, generated index) error {
	seen := make(map[string]fs.FileInfo, len(old))
	for _, e := range old {
		seen[e.path] = e.info
	}
	var late []string
	err := fs.WalkDir(t.parent.FS(), t.staged(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel := name[len(t.staged())+1:]
		if rel == indexName || generated[rel] != "" {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if was, ok := seen[rel]; !ok || !os.SameFile(was, info) || !was.ModTime().Equal(info.ModTime()) {
			late = append(late, rel)
		}
		return nil
	})
	for _, rel := range late {
		if err == nil {
			err = t.parent.MkdirAll(t.in(path.Dir(rel)), 0o755)
		}
		if err == nil {
			err = t.parent.Rename(path.Join(t.staged(), rel), t.in(rel))
		}
	}
	return err
}
