# METADATA
# title: Files of the node may be read
# description: >-
#   Credentials of the kubelet, keys of the cluster and the disks of the node are of use to who attacks the
#   cluster.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   id: file-host
#   severity: error
#   judges: unit
#   action: "remove the path, and the hostPath volume"
#   controls: [PSS/baseline/hostpath, CIS/5.2.12, NSA-CISA/pod-security, MITRE/T1611]
#   parameters:
#     paths:
#       - /etc/kubernetes/admin.conf
#       - /etc/kubernetes/pki/ca.key
#       - /var/lib/kubelet/config.yaml
#       - /var/lib/kubelet/pki/kubelet-client-current.pem
#       - /var/lib/etcd/member/snap/db
#       - /host/etc/shadow
#       - /hostfs/etc/shadow
#       - /dev/sda
#       - /dev/nvme0n1
#       - /dev/mem
#       - /dev/kmsg
package avert.rules.file_host

import data.avert.lib

deny contains {"msg": sprintf("%s lets credentials or disks of the node be read: %s", [use.rule, use.paths]), "at": use.at} if {
	some use in lib.uses(input.unit.file, "read", "file-host")
}
