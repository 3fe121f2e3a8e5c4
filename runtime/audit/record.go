// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/avert-dev/avert/runtime/event"
)

// Types of records (linux/audit.h).
const (
	typeSyscall   = 1300
	typeEOE       = 1320
	typeProctitle = 1327
	typeAVC       = 1400
)

// maxRecord is more than the kernel writes in one record (8,970 bytes).
const maxRecord = 1 << 14

// Record is one record of the audit log.
type Record struct {
	Type int
	// Time and Serial tell which event of the kernel the record belongs to.
	Time   time.Time
	Serial uint64
	Body   string

	// Process is what Explainer.Look found, or nil.
	Process *event.Process
}

// names are the types as audit daemons write them.
var names = map[string]int{
	"AVC": typeAVC, "APPARMOR_DENIED": typeAVC, "APPARMOR_ALLOWED": typeAVC, "APPARMOR_AUDIT": typeAVC,
	"SYSCALL": typeSyscall, "PROCTITLE": typeProctitle, "EOE": typeEOE,
}

// ParseLine reads a line of an audit daemon's log or of the kernel's:
//
//	type=AVC msg=audit(1700000000.123:45): ...
//	[   12.345678] audit: type=1400 audit(1700000000.123:45): ...
//
// ok is false for other lines, and for records of other types. Whoever may write
// to such a file may put lines there: only a Socket tells what the kernel said.
func ParseLine(line string) (r Record, ok bool) {
	line = strings.TrimRight(line, "\r\n")
	if _, after, found := strings.Cut(line, "audit: type="); found && !strings.HasPrefix(line, "type=") && !strings.HasPrefix(line, "node=") {
		line = "type=" + after
	}
	if strings.HasPrefix(line, "node=") {
		_, line, _ = strings.Cut(line, " ")
	}
	word, rest, found := strings.Cut(line, " ")
	kind, isType := strings.CutPrefix(word, "type=")
	if !found || !isType {
		return r, false
	}
	number, known := names[kind]
	if !known {
		kind = strings.TrimSuffix(strings.TrimPrefix(kind, "UNKNOWN["), "]")
		n, err := strconv.Atoi(kind)
		if err != nil || n != typeAVC && n != typeSyscall && n != typeProctitle && n != typeEOE {
			return r, false
		}
		number = n
	}
	r, err := parse(number, strings.TrimPrefix(rest, "msg="))
	return r, err == nil
}

var errRecord = errors.New("not an audit record")

// parse reads what follows the type: "audit(1700000000.123:45): ...".
func parse(kind int, text string) (Record, error) {
	text = strings.TrimRight(text, "\x00\n")
	stamp, ok := strings.CutPrefix(text, "audit(")
	stamp, body, closed := strings.Cut(stamp, "):")
	clock, serial, colon := strings.Cut(stamp, ":")
	if !ok || !closed || !colon || len(text) > maxRecord {
		return Record{}, fmt.Errorf("%w: %.100q", errRecord, text)
	}
	seconds, millis, _ := strings.Cut(clock, ".")
	s, err := strconv.ParseUint(seconds, 10, 36)
	m, err2 := strconv.ParseUint(millis, 10, 32)
	n, err3 := strconv.ParseUint(serial, 10, 64)
	if err := errors.Join(err, err2, err3); err != nil || m > 999 {
		return Record{}, fmt.Errorf("%w: stamp %q", errRecord, stamp)
	}
	// An enriched log repeats what it knows after a group separator.
	body, _, _ = strings.Cut(body, "\x1d")
	return Record{Type: kind, Time: time.Unix(int64(s), int64(m)*1e6).UTC(), Serial: n, Body: strings.TrimPrefix(body, " ")}, nil
}
