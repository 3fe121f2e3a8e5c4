// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// schema is a JSON Schema, or what is like one in OpenAPI.
type schema map[string]any

// definitions are the schemas of an OpenAPI document by name.
type definitions map[string]schema

// kind is a group, version and kind.
type kind struct{ Group, Version, Kind string }

// fileName returns the name by which kubeconform looks for the schema: the group up to its first dot.
func (k kind) fileName() string {
	group, _, _ := strings.Cut(k.Group, ".")
	if group != "" {
		group += "-"
	}
	return strings.ToLower(k.Kind) + "-" + group + k.Version + ".json"
}

// apiVersion returns what objects of the kind spell in apiVersion.
func (k kind) apiVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}

// kept are the keywords that mean the same in OpenAPI and in JSON Schema. The conditions of a CRD are among them: they
// speak only of fields that are defined beside them.
var kept = []string{
	"type", "format", "required", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems",
	"anyOf", "oneOf",
}

// dropped are the keywords that say nothing about what is valid, or nothing that JSON Schema could.
var dropped = []string{
	"description", "default", "x-kubernetes-group-version-kind", "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys",
	"x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy",
	"x-kubernetes-unions", "x-kubernetes-validations",
}

// special are the definitions that servers read from numbers too, which OpenAPI 2 cannot say.
var special = map[string]schema{
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": []string{"string", "integer"}},
	"io.k8s.apimachinery.pkg.api.resource.Quantity":   {"type": []string{"string", "number"}},
}

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// object returns the schema of a definition that is a kind.
func (d definitions) object(name string) (kind, schema, error) {
	var id []kind
	if data, err := json.Marshal(d[name]["x-kubernetes-group-version-kind"]); err != nil || json.Unmarshal(data, &id) != nil || len(id) != 1 {
		return kind{}, nil, fmt.Errorf("%s is not one kind", name)
	}
	s, err := d.reference(name)
	if err != nil {
		return kind{}, nil, err
	}
	return id[0], id[0].only(s), nil
}

// custom returns the schema of a CRD's kind. CRDs leave metadata to the server.
func (d definitions) custom(id kind, s schema) (schema, error) {
	out, err := d.convert(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id.Kind, err)
	}
	metadata, err := d.reference(objectMeta)
	if err != nil {
		return nil, err
	}
	out["properties"].(map[string]schema)["metadata"] = metadata
	return id.only(out), nil
}

// only makes a schema refuse other kinds and versions.
func (k kind) only(s schema) schema {
	properties := s["properties"].(map[string]schema)
	properties["apiVersion"] = schema{"enum": []string{k.apiVersion()}}
	properties["kind"] = schema{"enum": []string{k.Kind}}
	required, _ := s["required"].([]any)
	for _, field := range []any{"apiVersion", "kind", "metadata"} {
		if !slices.Contains(required, field) {
			required = append(required, field)
		}
	}
	s["required"] = required
	return s
}

// reference returns the schema of a definition, without references.
func (d definitions) reference(name string) (schema, error) {
	if s, ok := special[name]; ok {
		return s, nil
	}
	s, ok := d[name]
	if !ok {
		return nil, fmt.Errorf("%s is not defined", name)
	}
	out, err := d.convert(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// convert returns a schema as strict JSON Schema: an object has the fields that are defined and no others. A keyword that
// is not known is an error, so that no condition of a later release is lost unseen.
func (d definitions) convert(s schema) (schema, error) {
	if ref, ok := s["$ref"].(string); ok {
		return d.reference(strings.TrimPrefix(ref, "#/definitions/"))
	}
	out := schema{}
	for keyword, value := range s {
		var err error
		switch {
		case slices.Contains(kept, keyword):
			out[keyword] = value
		case slices.Contains(dropped, keyword):
		case keyword == "properties":
			out["properties"], err = d.fields(value.(map[string]any))
			out["additionalProperties"] = false
		case keyword == "additionalProperties", keyword == "items":
			out[keyword], err = d.convert(value.(map[string]any))
		default:
			err = fmt.Errorf("what %s means is not known here", keyword)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d definitions) fields(properties map[string]any) (map[string]schema, error) {
	out := map[string]schema{}
	for name, s := range properties {
		var err error
		if out[name], err = d.convert(s.(map[string]any)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

func encode(s schema) []byte {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // what came from JSON can be encoded
	}
	return append(data, '\n')
}
