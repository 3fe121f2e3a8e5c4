# METADATA
# title: Socket of a container runtime is open
# description: >-
#   Who can write to the socket of docker, containerd, CRI-O or the kubelet starts privileged containers on the
#   node.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1611/
#   - ref: https://attack.mitre.org/techniques/T1610/
# custom:
#   id: file-runtime-sockets
#   severity: error
#   judges: unit
#   action: "remove the path, and the mount of the socket"
#   controls: [CIS/5.2.12, PSS/baseline/hostpath, MITRE/T1611, MITRE/T1610]
#   parameters:
#     paths:
#       - /run/docker.sock
#       - /var/run/docker.sock
#       - /run/containerd/containerd.sock
#       - /run/crio/crio.sock
#       - /var/run/crio/crio.sock
#       - /run/podman/podman.sock
package avert.rules.file_runtime_sockets

import data.avert.lib

deny contains {"msg": sprintf("%s lets the socket of a container runtime be used: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.file, "write", "file-runtime-sockets")
}
