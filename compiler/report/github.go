// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
)

// GitHub returns the run as workflow commands of GitHub Actions, which become
// annotations of the files.
func (r *Run) GitHub() []byte {
	var b bytes.Buffer
	for _, d := range r.Findings {
		command := map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Note: "notice"}[d.Severity]
		fmt.Fprintf(&b, "::%s ", command)
		if !d.Span.IsZero() {
			p := place(d.Span)
			fmt.Fprintf(&b, "file=%s,line=%d,endLine=%d,", property(p.File), p.Line, p.EndLine)
			// A range of columns may not span lines.
			if p.Line == p.EndLine {
				fmt.Fprintf(&b, "col=%d,endColumn=%d,", p.Column, p.EndColumn)
			}
		}
		text := d.Message
		if d.Hint != "" {
			text += "\n" + d.Hint
		}
		fmt.Fprintf(&b, "title=%s::%s\n", property(string(d.Code)), data(text))
	}
	return b.Bytes()
}

// data escapes what stands behind the second pair of colons, and property what
// stands before it.
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace
)
