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
// takes: `yaml` its name, `jsonschema` required, minItems=1 and enum as the
// schema generator reads them. It returns whether nothing was reported.
func Decode(n *Node, v any, list *diag.List) bool {
	return decodeStruct(n, reflect.ValueOf(v).Elem(), list)
}

// selfDecoder is implemented by types whose YAML form is not a struct's.
type selfDecoder interface {
	decodeNode(n *Node, list *diag.List) bool
}

var (
	atType       = reflect.TypeFor[At]()
	structFields sync.Map // reflect.Type -> *structInfo
)

type fieldInfo struct {
	index    []int
	key      string
	required bool
	notEmpty bool // of a list
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
			switch word, isWord := strings.CutPrefix(option, "enum="); {
			case isWord:
				fi.words = append(fi.words, word)
			case option == "required":
				fi.required = true
			case option == "minItems=1":
				fi.notEmpty = true
			}
		}
		info.fields = append(info.fields, fi)
		info.keys = append(info.keys, key)
	}
	actual, _ := structFields.LoadOrStore(t, info)
	return actual.(*structInfo)
}

func decodeStruct(n *Node, v reflect.Value, list *diag.List) bool {
	info := infoOf(v.Type())
	if n.Kind != MapNode {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("expected a mapping, found %s", describe(n)), diag.Hint("known keys: %s", strings.Join(info.keys, ", ")))
		return decoded(v, info, n, false)
	}
	ok := true
	for _, f := range n.Fields {
		i := slices.IndexFunc(info.fields, func(fi fieldInfo) bool { return fi.key == f.Key })
		if i < 0 {
			list.Report(diag.UnknownKey, f.Span, fmt.Sprintf("unknown key %q", clip(f.Key)), didYouMean(&Node{Span: f.Span, Value: f.Key}, info.keys)...)
			ok = false
			continue
		}
		fi := info.fields[i]
		ok = decodeValue(f.Value, v.FieldByIndex(fi.index), fi, list) && ok
	}
	for _, fi := range info.fields {
		if fi.required && n.Get(fi.key) == nil {
			list.Report(diag.MissingKey, n.Span, fmt.Sprintf("required key %q is missing", fi.key), wordsHint(fi.words))
			ok = false
		}
	}
	return decoded(v, info, n, ok)
}

// decoded notes where the mapping stands and whether it was found faultless.
func decoded(v reflect.Value, info *structInfo, n *Node, ok bool) bool {
	if info.at != nil {
		v.FieldByIndex(info.at).Set(reflect.ValueOf(At{Place: n.Span, Flawed: !ok}))
	}
	return ok
}

func decodeValue(n *Node, v reflect.Value, fi fieldInfo, list *diag.List) bool {
	wrong := func(message string, options ...diag.Option) bool {
		list.Report(diag.WrongType, n.Span, message, options...)
		return false
	}
	if n.Kind == Null {
		if v.Kind() == reflect.Struct {
			decoded(v, infoOf(v.Type()), n, false)
		}
		return wrong(fi.key+" has no value", diag.Hint("remove the key or give it a value"))
	}
	switch target := v.Addr().Interface().(type) {
	case *Text:
		return decodeText(n, target, fi, list)
	case *Number:
		return decodeNumber(n, target, fi, list)
	case *Bool:
		return decodeBool(n, target, fi, list)
	case selfDecoder:
		return target.decodeNode(n, list)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decodeValue(n, v.Elem(), fi, list)
	case reflect.Struct:
		return decodeStruct(n, v, list)
	case reflect.Slice:
		switch {
		case n.Kind == ScalarNode:
			return wrong(fmt.Sprintf("%s takes a list, found %s", fi.key, describe(n)), diag.Hint("write %s: [%s]", fi.key, clip(n.Span.Text())), replace(n, "["+n.Span.Text()+"]"))
		case n.Kind != ListNode:
			return wrong(fmt.Sprintf("%s takes a list, found %s", fi.key, describe(n)), diag.Hint("begin each item with `- `"))
		case fi.notEmpty && len(n.Items) == 0:
			return wrong(fi.key+" is an empty list", diag.Hint("list something; without the key there is no such condition"))
		}
		ok := true
		out := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
		for i, item := range n.Items {
			ok = decodeValue(item, out.Index(i), fi, list) && ok
		}
		v.Set(out)
		return ok
	default: // a map from Text to Text
		if n.Kind != MapNode {
			return wrong(fmt.Sprintf("%s takes a mapping, found %s", fi.key, describe(n)))
		}
		ok := true
		labels := make(Labels, len(n.Fields))
		for _, f := range n.Fields {
			var value Text
			ok = decodeText(f.Value, &value, fieldInfo{key: f.Key}, list) && ok
			labels[Text{f.Key, f.Span}] = value
		}
		v.Set(reflect.ValueOf(labels))
		return ok
	}
}

func decodeText(n *Node, t *Text, fi fieldInfo, list *diag.List) bool {
	t.Span = n.Span
	switch {
	case n.Kind != ScalarNode:
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes text, found %s", fi.key, describe(n)))
		return false
	case n.Tag != "!!str":
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes text, found %s", fi.key, describe(n)), diag.Hint("quote it: %q", n.Value), replace(n, strconv.Quote(n.Value)))
		return false
	case fi.words != nil && !slices.Contains(fi.words, n.Value):
		list.Report(diag.UnknownWord, n.Span, fmt.Sprintf("%s cannot be %q", fi.key, clip(n.Value)), didYouMean(n, fi.words)...)
		return false
	}
	t.Value = n.Value
	return true
}

func decodeNumber(n *Node, t *Number, fi fieldInfo, list *diag.List) bool {
	t.Span = n.Span
	if n.Kind == ScalarNode && n.Tag != "!!str" {
		value, err := strconv.ParseUint(n.Value, 0, 64)
		t.Value = value
		if err == nil {
			return true
		}
	}
	var options []diag.Option
	if _, err := strconv.ParseUint(n.Value, 0, 64); err == nil && n.Tag == "!!str" {
		options = []diag.Option{diag.Hint("write it without quotes"), replace(n, n.Value)}
	}
	list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes a whole number from 0 to 2^64-1, found %s", fi.key, describe(n)), options...)
	return false
}

func decodeBool(n *Node, t *Bool, fi fieldInfo, list *diag.List) bool {
	t.Span = n.Span
	if n.Kind != ScalarNode || n.Tag != "!!bool" {
		list.Report(diag.WrongType, n.Span, fmt.Sprintf("%s takes true or false, found %s", fi.key, describe(n)))
		return false
	}
	t.Value = strings.EqualFold(n.Value, "true")
	return true
}

func describe(n *Node) string {
	switch {
	case n.Kind != ScalarNode:
		return n.Kind.String()
	case n.Tag == "!!int", n.Tag == "!!float":
		return "the number " + clip(n.Value)
	case n.Tag == "!!bool":
		return "the boolean " + clip(n.Value)
	case n.Tag == "!!timestamp":
		return "the date " + clip(n.Value)
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

// didYouMean offers the closest of the words that n may be, or all of them when
// none is close.
func didYouMean(n *Node, words []string) []diag.Option {
	if close := suggest.Words(n.Value, words); len(close) > 0 {
		return []diag.Option{diag.Hint("did you mean %q?", close[0]), replace(n, close[0])}
	}
	return []diag.Option{wordsHint(words)}
}

// replace offers other text for a scalar.
func replace(n *Node, text string) diag.Option {
	if !Spelled(n.Span, n.Value) {
		return diag.Hint("")
	}
	return diag.Replace(n.Span, text)
}

func wordsHint(words []string) diag.Option {
	if len(words) == 0 {
		return diag.Hint("")
	}
	return diag.Hint("one of: %s", strings.Join(words, ", "))
}
