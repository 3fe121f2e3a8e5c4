# METADATA
# title: What rules share
# description: Names of things in sentences, and questions that several rules ask.
package avert.lib

# METADATA
# description: What a unit is called in a finding.
name(unit) := sprintf("container %s of %s %s/%s", [unit.container.name, unit.workload.kind, unit.workload.namespace, unit.workload.name])

name(unit) := concat(" with ", unit.policies) if not unit.container

# METADATA
# description: What lets something pass silently.
allows(rule) if rule.action == "Allow"

# METADATA
# description: Network rules that let connections of a direction pass on ordinary sockets.
opens(rule, direction) if {
	rule.action == "Allow"
	rule.direction in {direction, ""}
	ordinary(rule.families)
}

ordinary(families) if count(families) == 0

ordinary(families) if {
	some family in families
	family in {"inet", "inet6"}
}

# METADATA
# description: >-
#   The rules of a section that let every process use one of the paths that are the parameter of a guardrail, each with
#   those paths as text.
uses(section, access, id) := {{"at": at, "rule": rule, "paths": text} |
	some at, rule
	rules[[at, rule]]
	text := concat(", ", sort({row.path | some row in used; row.at == at}))
} if {
	used := {row | some row in section.paths; row.access == access; row.action == "Allow"; not row.conditional; row.path in data.avert.parameters[id].paths}
	rules := {[row.at, row.rule] | some row in used}
}
