// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/avert-dev/avert/runtime/event"
	"github.com/avert-dev/avert/schemas"
)

// TestAlerts holds that the page's alert is one, and that the page names every
// field.
func TestAlerts(t *testing.T) {
	page, err := os.ReadFile("alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
	if lines == nil {
		t.Fatal("no example")
	}
	var e event.Event
	d := json.NewDecoder(bytes.NewReader(lines[1]))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatal(err)
	}
	if got := e.Line(); !bytes.Equal(got, lines[1]) {
		t.Errorf("the example is\n%s, and would be written\n%s", lines[1], got)
	}
	var schema struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(schemas.Read("event"), &schema); err != nil {
		t.Fatal(err)
	}
	for name := range schema.Properties {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("the page does not name `%s`", name)
		}
	}
	if text := "x\n" + `{"time":""}`; !strings.Contains(string(page), `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(event.Escape(text))+`"`) {
		t.Error("the page's example of a name is not what becomes of it")
	}
}
