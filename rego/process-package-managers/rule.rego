# METADATA
# title: A package manager may be executed
# description: >-
#   Package managers bring new programs into a running container, which then is no longer what was reviewed and
#   signed.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1072/
# custom:
#   id: process-package-managers
#   severity: warning
#   judges: unit
#   action: "build images with what they need, and remove the rule"
#   controls: [MITRE/T1072, NSA-CISA/pod-security]
#   parameters:
#     paths:
#       - /usr/bin/apt
#       - /usr/bin/apt-get
#       - /usr/bin/dpkg
#       - /sbin/apk
#       - /usr/bin/yum
#       - /usr/bin/dnf
#       - /usr/bin/rpm
#       - /usr/bin/microdnf
#       - /usr/bin/pip
#       - /usr/bin/pip3
#       - /usr/local/bin/pip
#       - /usr/bin/npm
#       - /usr/local/bin/npm
#       - /usr/bin/gem
package avert.rules.process_package_managers

import data.avert.lib

deny contains {"msg": sprintf("%s lets a package manager be executed: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.process, "exec", "process-package-managers")
}
