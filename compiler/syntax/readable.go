// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/avert-dev/avert/compiler/diag"
)

const (
	// maxIndicators bounds the characters of a document that begin a node. The
	// YAML parser holds up to 1 KiB for each before MaxNodes can be counted.
	maxIndicators = MaxNodes / 2
	// maxDirectives bounds the TAG directives of a file, each of which the YAML
	// parser compares with all others.
	maxDirectives = 100
)

// readable reports text that the YAML parser must not see: because it is not
// text, because it does not look the way it is read, or because reading it
// would take too much time or memory.
func readable(file *diag.File, list *diag.List) bool {
	src := file.Source
	refuse := func(code diag.Code, at, end int, message, hint string) bool {
		list.Report(code, diag.Span{File: file, Start: at, End: end}, message, diag.Hint("%s", hint))
		return false
	}
	if len(src) > MaxBytes {
		return refuse(diag.TooLarge, 0, 0, fmt.Sprintf("the file has more than %d MiB", MaxBytes>>20), "split it into several files")
	}
	if bytes.Count(src, []byte("%TAG")) > maxDirectives {
		return refuse(diag.TooLarge, 0, 0, fmt.Sprintf("more than %d TAG directives", maxDirectives), "policies need no tags")
	}
	indicators := 0
	for i := 0; i < len(src); {
		c := src[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(src[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				return refuse(diag.InvalidText, i, i+1, "the text is not valid UTF-8", "")
			case r == '\u0085' || r == '\u2028' || r == '\u2029':
				return refuse(diag.InvalidText, i, i+n, fmt.Sprintf("%U ends a line in YAML, but does not look like it", r), `in a quoted value write it as "\N", "\L" or "\P"`)
			}
			i += n
			continue
		}
		switch {
		case c == '\r':
			if i+1 == len(src) || src[i+1] != '\n' {
				return refuse(diag.InvalidText, i, i+1, "a carriage return without a line feed ends a line in YAML, but does not look like it", "end lines with a line feed")
			}
		case c < ' ' && c != '\t' && c != '\n', c == 0x7f:
			return refuse(diag.InvalidText, i, i+1, fmt.Sprintf("the text has the control character 0x%02x", c), `in a double-quoted value write it as "\x..", such as "\x1b"`)
		case c == '-' && (i == 0 || src[i-1] == '\n') && documentStart(src[i:]):
			indicators = 0
			i += 2
		case c == ':' || c == ',' || c == '-' || c == '?' || c == '[' || c == '{':
			if indicators++; indicators > maxIndicators {
				return refuse(diag.TooLarge, i, i+1, "the document has too many lists and mappings", "split it")
			}
		}
		i++
	}
	return true
}

func documentStart(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}
