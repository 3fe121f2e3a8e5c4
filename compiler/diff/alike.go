// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"reflect"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
)

// alike says whether policies are written alike, wherever they stand.
func alike(a, b *policy.Policy) bool {
	return a == b || sameValue(reflect.ValueOf(a), reflect.ValueOf(b))
}

var spanType = reflect.TypeFor[diag.Span]()

// sameValue is reflect.DeepEqual without places. Policies are trees.
func sameValue(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return sameValue(a.Elem(), b.Elem())
	case reflect.Struct:
		if a.Type() == spanType {
			return true
		}
		if a.Type().PkgPath() == "net/netip" {
			return a.Equal(b)
		}
		for i := range a.NumField() {
			if !sameValue(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameValue(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
