// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"debug/elf"
	"fmt"
	"path/filepath"
	"strings"
)

// libraries is where Debian's loader looks besides what a program itself says.
var libraries = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// Program returns a program of the host with its loader and all its shared libraries, to be at the same paths in the guest.
// A program that is no ELF file, such as a script, comes alone.
func Program(path string) ([]File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	var files []File
	seen := map[string]bool{path: true}
	for queue := []string{path}; len(queue) > 0; queue = queue[1:] {
		files = append(files, File{Guest: queue[0], Host: queue[0]})
		needed, err := dependencies(queue[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", queue[0], err)
		}
		for _, lib := range needed {
			if !seen[lib] {
				seen[lib] = true
				queue = append(queue, lib)
			}
		}
	}
	return files, nil
}

// dependencies returns the loader and the libraries that an ELF file names itself.
func dependencies(path string) ([]string, error) {
	f, err := elf.Open(path)
	if _, other := err.(*elf.FormatError); other {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			name := make([]byte, p.Filesz)
			if _, err := p.ReadAt(name, 0); err != nil {
				return nil, err
			}
			found = append(found, strings.TrimRight(string(name), "\x00"))
		}
	}
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		own, err := f.DynString(tag)
		if err != nil {
			return nil, err
		}
		for _, list := range own {
			for _, folder := range strings.Split(list, ":") {
				folder = strings.ReplaceAll(folder, "${ORIGIN}", "$ORIGIN")
				folders = append(folders, strings.ReplaceAll(folder, "$ORIGIN", filepath.Dir(path)))
			}
		}
	}
	folders = append(folders, libraries...)
	for _, name := range names {
		lib := name
		if !filepath.IsAbs(name) {
			for _, folder := range folders {
				if lib = filepath.Join(folder, name); exists(lib) {
					break
				}
			}
		}
		if !exists(lib) {
			return nil, fmt.Errorf("its library %s is in none of %s", name, strings.Join(folders, ", "))
		}
		found = append(found, lib)
	}
	return found, nil
}
