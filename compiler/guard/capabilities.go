// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// withheld are built-in functions that guardrails may not call, with the
// reason: findings depend on the view alone, and are the same on every run.
var withheld = map[string]string{
	"http.send":              "guardrails have no network",
	"net.lookup_ip_addr":     "guardrails have no network",
	"opa.runtime":            "guardrails do not see the environment",
	"rand.intn":              "findings are the same on every run",
	"uuid.rfc4122":           "findings are the same on every run",
	"time.now_ns":            "findings are the same on every run; input.today is the date",
	"rego.parse_module":      "guardrails judge views",
	"providers.aws.sign_req": "guardrails have no network",
}

// capabilities are what rules may use of Rego.
var capabilities = sync.OnceValue(func() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool { return withheld[b.Name] != "" })
	c.AllowNet = []string{}
	return c
})

// whyWithheld explains a message about an undefined function, or returns "".
func whyWithheld(message string) string {
	for name, why := range withheld {
		if strings.HasSuffix(message, "undefined function "+name) {
			return why
		}
	}
	return ""
}
