// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avert-dev/avert/compiler/guard"
)

// defaultRules is where rules of a project's own are begun.
const defaultRules = location("guardrails")

func (a *app) rulesNewCommand() *cobra.Command {
	folder := defaultRules
	cmd := &cobra.Command{
		Use:   "new ID",
		Short: "Write a guardrail to begin with",
		Long: `new writes a rule and its test to a folder named ID, which must not exist. The
rule is complete: change what it says, and what it finds.`,
		Example: `  avert rules new team-prefix`,
		Args:    oneArgument("the id of the new guardrail"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.rulesNew(args[0], string(folder)) },
	}
	cmd.Flags().VarP(&folder, "output", "o", "folder of rules")
	return cmd
}

func (a *app) rulesNew(id, folder string) error {
	if !guard.ValidID(id) {
		return usagef("%q is no id: lower-case words joined by hyphens, such as team-prefix", id)
	}
	name := strings.ReplaceAll(id, "-", "_")
	if strings.Trim(name[:1], "0123456789") == "" {
		return usagef("%q is no id: it begins with a digit, and names of packages do not", id)
	}
	dir := filepath.Join(folder, id)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists", dir)
	} else if err != nil {
		return fmt.Errorf("cannot make the folder: %w", err)
	}
	fill := strings.NewReplacer("ID", id, "NAME", name).Replace
	for file, text := range map[string]string{"rule.rego": ruleTemplate, "rule_test.rego": testTemplate} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(fill(text)), 0o644); err != nil {
			return fmt.Errorf("cannot write the rule: %w", err)
		}
	}
	a.verdict("wrote %s; avert rules test %s runs its test, and avert lint --guardrails %s judges by it", dir, folder, folder)
	return nil
}

const ruleTemplate = `# METADATA
# title: Name of a policy without the prefix of a team
# description: >-
#   What the rule finds, and why that matters. ` + "`avert rules view`" + ` prints what rules see, and ` + "`avert schema view`" + ` says what
#   it means.
# related_resources:
#   - ref: https://www.openpolicyagent.org/docs/policy-language
# custom:
#   id: ID
#   severity: warning
#   judges: policy
#   action: rename the policy, so that its team is found
#   parameters:
#     prefixes: [team-]
package guardrails.NAME

deny contains {"msg": sprintf("%s begins with the prefix of no team", [input.policy.name]), "at": input.policy.at} if {
	not prefixed
}

prefixed if {
	some prefix in data.avert.parameters["ID"].prefixes
	startswith(input.policy.name, prefix)
}
`

const testTemplate = `package guardrails.NAME_test

import data.guardrails.NAME

parameters := {"ID": {"prefixes": ["team-"]}}

test_found if {
	found := NAME.deny with input as {"policy": {"at": 1, "name": "web"}} with data.avert.parameters as parameters
	count(found) == 1
}

test_clean if {
	found := NAME.deny with input as {"policy": {"at": 1, "name": "team-web"}} with data.avert.parameters as parameters
	count(found) == 0
}
`
