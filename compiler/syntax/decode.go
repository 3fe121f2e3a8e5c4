// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/suggest"
)

// Decode fills the document type that v points to, and reports every unknown
// key, wrong type, unknown word and missing key. Field tags say what a key
// takes: `yaml` its name, `jsonschema` required and enum as the schema
// generator reads them.
func Decode(n *Node, v any, list *diag.List) {
	decodeStruct(n, reflect.ValueOf(v).Elem(), list)
}

// selfDecoder is implemented by types whose YAML form is not a struct's.
type selfDecoder interface {
	decodeNode(n *Node, list *diag.List)
}

var (
	textType     = reflect.TypeFor[Text]()
	numberType   = reflect.TypeFor[Number]()
	boolType     = reflect.TypeFor[Bool]()
	atType       = reflect.TypeFor[At]()
	customType   = reflect.TypeFor[selfDecoder]()
	structFields sync.Map // reflect.Type -> *structInfo
)

type fieldInfo struct {
	index    []int
	key      string
	required bool
	words    []string
}

type structInfo struct {
	at     []int // index of the embedded At, or nil
	fields []fieldInfo
	keys   []string
}

func infoOf(t reflect.Type) *structInfo {
	if info, ok := structFields.Load(t); ok {
		return info.(*structInfo)
	}
	info := &structInfo{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Type == atType {
			info.at = f.Index
			continue
		}
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		fi := fieldInfo{index: f.Index, key: key}
		for option := range strings.SplitSeq(f.Tag.Get("jsonschema"), ",") {
			if option == "required" {
				fi.required = true
			} else if word, ok := strings.CutPrefix(option, "enum="); ok {
				fi.words = append(fi.words, word)
			}
		}
		info.fields = append(info.fields, fi)
		info.keys = append(info.keys, key)
	}
	actual, _ := structFields.LoadOrStore(t, info)
	return actual.(*structInfo)
}

func decodeStruct(n *Node, v reflect.Value, list *diag.List) {
	info := infoOf(v.Type())
	if info.at != nil {
		v.FieldByIndex(info.at).Field(0).Set(reflect.ValueOf(n.Span))
	}
	if n.Kind != MapNode {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("expected a mapping, found %s", describe(n)), diag.Hint("known keys: %s", strings.Join(info.keys, ", ")))
		return
	}
	for _, f := range n.Fields {
		i := slices.IndexFunc(info.fields, func(fi fieldInfo) bool { return fi.key == f.Key })
		if i < 0 {
			list.Report(diag.UnknownKey, f.Span, fmt.Sprintf("unknown key %q", f.Key), didYouMean(f.Key, info.keys, "known keys"))
			continue
		}
		fi := info.fields[i]
		decodeValue(f.Value, v.FieldByIndex(fi.index), fi, list)
	}
	for _, fi := range info.fields {
		if fi.required && n.Get(fi.key) == nil {
			list.Report(diag.MissingKey, n.Span, fmt.Sprintf("required key %q is missing", fi.key), wordsHint(fi.words))
		}
	}
}

func decodeValue(n *Node, v reflect.Value, fi fieldInfo, list *diag.List) {
	if n.Kind == Null {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s has no value", fi.key), diag.Hint("remove the key or give it a value"))
		return
	}
	switch {
	case v.Type() == textType:
		decodeText(n, v.Addr().Interface().(*Text), fi, list)
		return
	case v.Type() == numberType:
		decodeNumber(n, v.Addr().Interface().(*Number), fi, list)
		return
	case v.Type() == boolType:
		decodeBool(n, v.Addr().Interface().(*Bool), fi, list)
		return
	case v.CanAddr() && v.Addr().Type().Implements(customType):
		v.Addr().Interface().(selfDecoder).decodeNode(n, list)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		decodeValue(n, v.Elem(), fi, list)
	case reflect.Struct:
		decodeStruct(n, v, list)
	case reflect.Slice:
		if n.Kind != ListNode {
			var hint diag.Option = diag.Hint("")
			if n.Kind == ScalarNode {
				hint = diag.Hint("write %s: [%s]", fi.key, n.Span.Text())
			}
			list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes a list, found %s", fi.key, describe(n)), hint)
			return
		}
		out := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
		for i, item := range n.Items {
			decodeValue(item, out.Index(i), fi, list)
		}
		v.Set(out)
	case reflect.Map:
		if n.Kind != MapNode {
			list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes a mapping, found %s", fi.key, describe(n)))
			return
		}
		out := reflect.MakeMapWithSize(v.Type(), len(n.Fields))
		for _, f := range n.Fields {
			value := reflect.New(v.Type().Elem()).Elem()
			decodeValue(f.Value, value, fieldInfo{key: f.Key}, list)
			out.SetMapIndex(reflect.ValueOf(f.Key), value)
		}
		v.Set(out)
	}
}

func decodeText(n *Node, t *Text, fi fieldInfo, list *diag.List) {
	if n.Kind != ScalarNode {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes text, found %s", fi.key, describe(n)))
		return
	}
	t.Span = n.Span
	if n.Tag != "!!str" {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes text, found %s", fi.key, describe(n)), diag.Hint("quote it: %q", n.Value), diag.Replace(n.Span, strconv.Quote(n.Value)))
		return
	}
	t.Value = n.Value
	if fi.words != nil && !slices.Contains(fi.words, n.Value) {
		list.Report(diag.UnknownWord, n.Span, fmt.Sprintf("%s cannot be %q", fi.key, n.Value), didYouMean(n.Value, fi.words, "one of"))
		t.Value = ""
	}
}

func decodeNumber(n *Node, t *Number, fi fieldInfo, list *diag.List) {
	if n.Kind != ScalarNode || n.Tag != "!!int" {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes a number, found %s", fi.key, describe(n)))
		return
	}
	t.Span = n.Span
	value, err := strconv.ParseUint(n.Value, 0, 64)
	if err != nil {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes a number from 0 to 2^64-1, found %s", fi.key, n.Value))
	}
	t.Value = value
}

func decodeBool(n *Node, t *Bool, fi fieldInfo, list *diag.List) {
	if n.Kind != ScalarNode || n.Tag != "!!bool" {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes true or false, found %s", fi.key, describe(n)))
		return
	}
	t.Span = n.Span
	t.Value = strings.EqualFold(n.Value, "true")
}

func describe(n *Node) string {
	switch {
	case n.Kind != ScalarNode:
		return n.Kind.String()
	case n.Tag == "!!int", n.Tag == "!!float":
		return "the number " + clip(n.Value)
	case n.Tag == "!!bool":
		return "the boolean " + clip(n.Value)
	}
	return strconv.Quote(clip(n.Value))
}

func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// didYouMean offers the closest word, or the whole list when none is close.
func didYouMean(word string, words []string, label string) diag.Option {
	if close := suggest.Suggest(word, words); len(close) > 0 {
		return diag.Hint("did you mean %q?", close[0])
	}
	return diag.Hint("%s: %s", label, strings.Join(words, ", "))
}

func wordsHint(words []string) diag.Option {
	if len(words) == 0 {
		return diag.Hint("")
	}
	return diag.Hint("one of: %s", strings.Join(words, ", "))
}
