// SPDX-License-Identifier: Apache-2.0

package syntax

// PolicyTest says what policies are to decide about operations of a container.
type PolicyTest struct {
	At `yaml:"-"`
	// APIVersion is avert.dev/v1alpha1.
	APIVersion Text `yaml:"apiVersion" jsonschema:"required,enum=avert.dev/v1alpha1"`
	// Kind is PolicyTest.
	Kind Text `yaml:"kind" jsonschema:"required,enum=PolicyTest"`
	// Metadata names the test; its namespace is that of the workload.
	Metadata Metadata `yaml:"metadata" jsonschema:"required"`
	// Spec has the cases.
	Spec PolicyTestSpec `yaml:"spec" jsonschema:"required"`
}

// PolicyTestSpec is the body of a test.
type PolicyTestSpec struct {
	At `yaml:"-"`
	// Workload names a workload, or a policy that is compiled without one. It may be absent where the namespace has one container alone that policies govern.
	Workload Text `yaml:"workload"`
	// Container is the workload's container; it may be absent where policies govern one alone.
	Container Text `yaml:"container"`
	// Cases are operations and what is expected of them.
	Cases []PolicyTestCase `yaml:"cases" jsonschema:"required,minItems=1"`
}

// PolicyTestCase is one operation and what is expected of it.
type PolicyTestCase struct {
	At `yaml:"-"`
	// Name says what the case is about; the operation when absent.
	Name Text `yaml:"name"`
	// Operation is what a process attempts, such as "exec /usr/bin/id by /usr/bin/dash" or "egress TCP 443 name api.example.com".
	Operation Text `yaml:"operation" jsonschema:"required"`
	// Expect is the verdict.
	Expect Text `yaml:"expect" jsonschema:"required,enum=Allow,enum=Audit,enum=Block"`
	// Rule is what decides: section/name, section/default, or a decision of the language such as process/(loader). Absent means any.
	Rule Text `yaml:"rule"`
	// Audit names a policy in mode Audit whose verdict is meant, in place of what is enforced.
	Audit Text `yaml:"audit"`
}
