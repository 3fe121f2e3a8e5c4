// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/diag"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/compiler/suggest"
	"github.com/avert-dev/avert/compiler/syntax"
)

const group = "avert.dev"

var ownKinds = []string{"RuntimePolicy", "PolicyTest", "Config"}

// dispatch reads one document into set, or passes over what is not for it.
func dispatch(doc *syntax.Node, list *diag.List, set *policy.Set) {
	if doc.Kind != syntax.MapNode {
		list.Report(diag.UnknownKind, doc.Span, "the document is "+doc.Kind.String()+", not an object", diag.Hint("begin it with `apiVersion: %s` and `kind: RuntimePolicy`", syntax.APIVersion))
		return
	}
	apiVersion, kind := doc.Get("apiVersion"), doc.Get("kind")
	if kind == nil && isKustomization(doc.Span.File.Name) {
		return
	}
	if !isWord(apiVersion) || !isWord(kind) {
		missing := "kind"
		if isWord(kind) {
			missing = "apiVersion"
		}
		hint := fmt.Sprintf("begin it with `apiVersion: %s` and `kind: RuntimePolicy`", syntax.APIVersion)
		if meant := suggest.Words(missing, keys(doc)); len(meant) > 0 {
			hint = fmt.Sprintf("did you mean %s where it says %s?", missing, meant[0])
		}
		list.Report(diag.UnknownKind, doc.Span, "the document has no "+missing, diag.Hint("%s", hint))
		return
	}
	if !own(apiVersion, kind, list) {
		kubernetes(doc, apiVersion.Value, kind.Value, list, set)
		return
	}
	switch {
	case apiVersion.Value != syntax.APIVersion: // reported
	case kind.Value == "RuntimePolicy":
		if p := runtimePolicy(doc, list); p != nil {
			set.Policies = append(set.Policies, p)
		}
	case kind.Value == "PolicyTest":
		if t := policyTest(doc, list); t != nil {
			set.Tests = append(set.Tests, t)
		}
	}
}

// isKustomization recognizes the one file of Kubernetes' tools that may leave out
// its kind (kustomize's Kustomization.FixKustomizationPostUnmarshalling).
func isKustomization(name string) bool {
	base := name[strings.LastIndexByte(name, '/')+1:]
	return base == "kustomization.yaml" || base == "kustomization.yml"
}

func isWord(n *syntax.Node) bool { return n != nil && n.Kind == syntax.ScalarNode && n.Value != "" }

func word(n *syntax.Node) syntax.Text { return syntax.Text{Value: n.Value, Span: n.Span} }

func keys(doc *syntax.Node) []string {
	var out []string
	for _, f := range doc.Fields {
		out = append(out, f.Key)
	}
	return out
}

// own says whether a document is, or was probably meant to be, one of avert's,
// and reports what is wrong with its apiVersion and kind.
func own(apiVersion, kind *syntax.Node, list *diag.List) bool {
	has, _, _ := strings.Cut(apiVersion.Value, "/")
	switch {
	case has == group:
	case len(suggest.Words(has, []string{group})) > 0 && len(suggest.Words(kind.Value, ownKinds)) > 0:
	case kind.Value == "RuntimePolicy" && !strings.Contains(has, "."):
	default:
		return false
	}
	if apiVersion.Value != syntax.APIVersion {
		list.Report(diag.UnknownKind, apiVersion.Span, fmt.Sprintf("apiVersion %q is not known", apiVersion.Value),
			diag.Hint("did you mean %q?", syntax.APIVersion), replace(word(apiVersion), syntax.APIVersion))
	}
	if !slices.Contains(ownKinds, kind.Value) {
		options := []diag.Option{diag.Hint("one of: %s", strings.Join(ownKinds, ", "))}
		if meant := suggest.Words(kind.Value, ownKinds); len(meant) > 0 {
			options = []diag.Option{diag.Hint("did you mean %q?", meant[0]), replace(word(kind), meant[0])}
		}
		list.Report(diag.UnknownKind, kind.Span, fmt.Sprintf("kind %q is not known", kind.Value), options...)
	}
	return true
}
