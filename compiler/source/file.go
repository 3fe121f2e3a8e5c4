// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/syntax"
)

// MaxTotal is the size of all files of one run, in bytes; syntax.MaxBytes is
// that of each. 10,000 policies of the usual size have 30 MB.
const MaxTotal = 256 << 20

// fault is an error that is the input's, and becomes a finding.
type fault struct {
	code          diag.Code
	message, hint string
}

func (f *fault) Error() string { return f.message }

// readFile reads a regular file. Nothing else is even opened, since that alone
// may wait for ever, or do something.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := acceptable(info); err != nil {
		return nil, err
	}
	// It may be something else by now: O_NONBLOCK does not wait for a pipe's writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err == nil {
		err = acceptable(info)
	}
	if err != nil {
		return nil, err
	}
	return readAll(f)
}

func acceptable(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular() && info.Size() > syntax.MaxBytes:
		return tooLarge()
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return irregular("a folder", "")
	case mode&fs.ModeNamedPipe != 0:
		return irregular("a pipe", "give - to read standard input")
	case mode&fs.ModeDevice != 0:
		return irregular("a device", "give - to read standard input")
	case mode&fs.ModeSocket != 0:
		return irregular("a socket", "")
	default:
		return irregular("something special", "")
	}
}

func irregular(what, hint string) error {
	return &fault{diag.UnreadableInput, "this is " + what + ", not a regular file", hint}
}

func tooLarge() error {
	return &fault{diag.TooLarge, fmt.Sprintf("the file has more than %d MiB", syntax.MaxBytes>>20), "split it into several files"}
}

// readAll reads to the end, or to the limit.
func readAll(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, syntax.MaxBytes+1))
	if err == nil && len(text) > syntax.MaxBytes {
		err = tooLarge()
	}
	return text, err
}
