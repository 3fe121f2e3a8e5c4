// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/avert-dev/avert/compiler/report"
	"github.com/avert-dev/avert/compiler/syntax"
	"github.com/avert-dev/avert/compiler/view"
	"github.com/avert-dev/avert/runtime/event"
)

const module = "github.com/avert-dev/avert"

// draft07 is the newest draft that editors' YAML support reads in full.
const draft07 = "http://json-schema.org/draft-07/schema#"

// generate returns the schemas by file name. The working folder must be the
// root of the repository, since descriptions are the types' doc comments.
func generate() (map[string][]byte, error) {
	var source jsonschema.Reflector
	for _, folder := range []string{"compiler/syntax", "compiler/report", "compiler/view", "runtime/event"} {
		if err := source.AddGoComments(module, folder, jsonschema.WithFullComment()); err != nil {
			return nil, err
		}
	}
	comment := func(t reflect.Type, field string) string {
		key := strings.TrimSuffix(t.PkgPath()+"."+t.Name()+"."+field, ".")
		return strings.Join(strings.Fields(source.CommentMap[key]), " ")
	}
	// What is read has `yaml` tags, which say what is required; what is written
	// has `json` tags, which say what may be absent. One schema has no
	// references: draft-07 ignores descriptions beside them.
	input := jsonschema.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Mapper: scalars}
	output := jsonschema.Reflector{Mapper: texts}
	files := map[string][]byte{}
	for _, document := range []struct {
		name      string
		reflector jsonschema.Reflector
		value     any
	}{
		{"policy", input, syntax.RuntimePolicy{}},
		{"config", input, syntax.Config{}},
		{"report", output, report.Document{}},
		{"findings", output, report.Findings{}},
		{"event", output, event.Event{}},
		{"view", output, view.View{}},
	} {
		r := document.reflector
		r.Anonymous, r.DoNotReference, r.LookupComment = true, true, comment
		schema := r.Reflect(document.value)
		schema.Version = draft07
		text, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			return nil, err
		}
		files[document.name+".schema.json"] = append(text, '\n')
	}
	return files, nil
}

// texts describes the type of events that escapes bytes.
func texts(t reflect.Type) *jsonschema.Schema {
	if t == reflect.TypeFor[event.Text]() {
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

// scalars describes the types of package syntax that carry positions.
func scalars(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[syntax.Text]():
		return &jsonschema.Schema{Type: "string"}
	case reflect.TypeFor[syntax.Bool]():
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.TypeFor[syntax.Number]():
		return &jsonschema.Schema{Type: "integer", Minimum: "0", Maximum: json.Number(strconv.FormatUint(math.MaxUint64, 10))}
	case reflect.TypeFor[syntax.Labels]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "string"}}
	case reflect.TypeFor[syntax.NetworkDefault]():
		return networkDefault()
	case reflect.TypeFor[syntax.Parameters]():
		text := &jsonschema.Schema{Type: "string"}
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, {Type: "array", Items: text}}}}
	}
	return nil
}

// networkDefault is one word for both directions, or one for each.
func networkDefault() *jsonschema.Schema {
	word := func(description string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Enum: []any{"Allow", "Audit", "Block"}, Description: description}
	}
	directions := jsonschema.NewProperties()
	directions.Set("ingress", word("Decides connections to the pod."))
	directions.Set("egress", word("Decides connections from the pod."))
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
		word("Decides both directions."),
		{Type: "object", Properties: directions, Required: []string{"ingress", "egress"}, AdditionalProperties: jsonschema.FalseSchema},
	}}
}
