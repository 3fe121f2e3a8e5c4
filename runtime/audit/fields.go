// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// maxFields bounds the fields of one record; the kernel writes about forty.
const maxFields = 128

// fields are those of a record: key=value with spaces between them. A value in
// quotes ends at the next quote: the kernel writes bytes among which there are
// quotes, spaces or control characters in hexadecimal instead.
type fields map[string]field

type field struct {
	text   string
	quoted bool
}

// parseFields reads fields. Of one key the first counts: what a process chose
// stands behind what the kernel says of it.
func parseFields(body string) fields {
	out := fields{}
	for body = strings.TrimLeft(body, " "); body != "" && len(out) < maxFields; body = strings.TrimLeft(body, " ,") {
		end := strings.IndexAny(body, "= ")
		if end < 0 {
			break
		}
		key := body[:end]
		if body[end] == ' ' {
			body = body[end:] // a word without a value
			continue
		}
		var f field
		body = body[end+1:]
		if strings.HasPrefix(body, `"`) {
			f.quoted = true
			f.text, body, _ = strings.Cut(body[1:], `"`)
		} else if end := strings.IndexByte(body, ' '); end >= 0 {
			f.text, body = body[:end], body[end:]
		} else {
			f.text, body = body, ""
		}
		if _, twice := out[key]; !twice && key != "" {
			out[key] = f
		}
	}
	return out
}

// word returns what the kernel itself chose; "" when it is absent.
func (f fields) word(key string) string { return f[key].text }

// bytes returns what a process may have chosen; ok is false when the kernel did
// not tell.
func (f fields) bytes(key string) (text string, ok bool) {
	v, ok := f[key]
	switch {
	case !ok || v.quoted:
		return v.text, ok
	case v.text == "(null)" || v.text == "?" || v.text == "":
		return "", false
	}
	if b, err := hex.DecodeString(v.text); err == nil {
		return string(b), true
	}
	return v.text, true
}

// number returns a number that is not negative; ok is false when there is none.
func (f fields) number(key string) (n int, ok bool) {
	u, err := strconv.ParseUint(f[key].text, 10, 31)
	return int(u), err == nil
}

// id returns a user or group.
func (f fields) id(key string) *uint32 {
	u, err := strconv.ParseUint(f[key].text, 10, 32)
	if err != nil || u == 1<<32-1 { // not set
		return nil
	}
	id := uint32(u)
	return &id
}
