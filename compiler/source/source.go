// SPDX-License-Identifier: Apache-2.0

package source

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/avert-dev/avert/compiler/diag"
)

// StdinName is what standard input is called in findings.
const StdinName = "<stdin>"

// File is one text and where it came from.
type File struct {
	// File has a name that holds wherever the project lies: with slashes,
	// relative to the folder of the configuration or else to the working folder
	// when it is inside, else as it was given.
	*diag.File
	// Path opens the file from the working folder; "" for standard input.
	Path string
	// Named says that the user gave this file, and not a folder that holds it.
	Named bool
}

// Read returns the files that args name, each once, sorted by name: files as
// they are, folders with every *.yaml and *.yml below them, "-" for stdin.
// Hidden files and folders, configurations apart, and the trees that avert
// generates are passed over in folders. Names are relative to root, the folder of the configuration, if
// there is one. The result does not depend on the order of args.
//
// The error joins everything that is wrong with args; list gets what is wrong
// with the input. The files that could be read are returned in either case.
func Read(args []string, root string, stdin io.Reader, list *diag.List) ([]File, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("cannot tell the working folder: %w", err)
	}
	r := reader{bases: []string{root, cwd}, list: list, files: map[string]*File{}, folders: map[string]bool{}}
	paths := make(map[string]string, len(args)) // absolute to given
	for _, arg := range args {
		switch {
		case arg == "":
			r.fail(errors.New("an empty path was given"))
		case arg == "-":
			if r.files[arg] == nil {
				r.stdin(stdin)
			}
		case filepath.IsAbs(arg):
			paths[filepath.Clean(arg)] = arg
		default:
			paths[filepath.Join(cwd, arg)] = arg
		}
	}
	for _, abs := range slices.Sorted(maps.Keys(paths)) {
		r.argument(filepath.Clean(paths[abs]))
	}
	var out []File
	for _, f := range r.files {
		if f.File != nil {
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b File) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Path, b.Path)) })
	return out, errors.Join(r.errs...)
}

// ReadFile returns one file, named as Read does; nil when list says why.
func ReadFile(path, root string, list *diag.List) (*diag.File, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, unreachable(path, err)
	}
	r := reader{bases: []string{root}, list: list, files: map[string]*File{}}
	r.file(path, path, true)
	return r.files[path].File, errors.Join(r.errs...)
}

// reader is one call of Read.
type reader struct {
	bases   []string // folders that names may be relative to, the first that holds the file
	list    *diag.List
	errs    []error
	files   map[string]*File // by path without symbolic links; without a text when it cannot be had
	folders map[string]bool  // likewise; whether anything was found there
	entries int              // seen in folders
	bytes   int
	full    bool // a limit was reached and reported
}

func (r *reader) fail(err error) { r.errs = append(r.errs, err) }

// name is how reports call a path.
func (r *reader) name(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		for _, base := range r.bases {
			if base != "" && within(base, abs) {
				rel, _ := filepath.Rel(base, abs) // within made sure
				return filepath.ToSlash(rel)
			}
		}
	}
	return filepath.ToSlash(path)
}

// report adds a finding about a path that has no text.
func (r *reader) report(path string, f *fault) {
	r.list.Report(f.code, diag.Span{File: diag.NewFile(filepath.ToSlash(path), nil)}, f.message, diag.Hint("%s", f.hint))
}

// argument reads a path that the user gave.
func (r *reader) argument(path string) {
	info, err := os.Stat(path)
	var real string
	if err == nil {
		real, err = filepath.EvalSymlinks(path)
	}
	switch {
	case err == nil && info.IsDir():
		if !r.folder(path, real, nil) && !r.full {
			r.fail(fmt.Errorf("%s holds no .yaml or .yml file (hidden ones and trees that avert generated do not count)", path))
		}
	case err == nil:
		r.file(path, real, true)
	default:
		r.fail(unreachable(path, err))
	}
}

// unreachable explains the error of asking for a path that the user gave.
func unreachable(path string, err error) error {
	if broken := brokenLink(path, err); broken != nil {
		return fmt.Errorf("%s: %w", path, broken)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, missing(path))
	}
	return fmt.Errorf("%s: %w", path, cause(err))
}

func (r *reader) stdin(in io.Reader) {
	f := &File{Named: true}
	r.files["-"] = f
	text, err := readAll(in)
	var bad *fault
	switch {
	case errors.As(err, &bad):
		r.list.Report(bad.code, diag.Span{File: diag.NewFile(StdinName, nil)}, bad.message, diag.Hint("%s", bad.hint))
	case err != nil:
		r.fail(fmt.Errorf("cannot read standard input: %w", cause(err)))
	default:
		f.File = diag.NewFile(StdinName, text)
	}
}

// file reads a file, unless it was read before under any name.
func (r *reader) file(path, real string, named bool) {
	if f := r.files[real]; f != nil {
		f.Named = f.Named || named
		return
	}
	if r.full {
		return
	}
	f := &File{Path: path, Named: named}
	r.files[real] = f
	text, err := readFile(path)
	var bad *fault
	switch {
	case errors.As(err, &bad):
		r.report(path, bad)
	case err != nil:
		r.fail(fmt.Errorf("cannot read %s: %w", path, cause(err)))
	default:
		if r.bytes += len(text); r.bytes > MaxTotal {
			r.limit(path, fmt.Sprintf("all files together have more than %d MiB", MaxTotal>>20))
			return
		}
		f.File = diag.NewFile(r.name(path), text)
	}
}

// limit reports once that there is too much to read.
func (r *reader) limit(path, message string) {
	if !r.full {
		r.report(path, &fault{diag.TooLarge, message, "name the files or folders that hold policies"})
	}
	r.full = true
}

// cause leaves out the operation and path that the os package puts into errors.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
