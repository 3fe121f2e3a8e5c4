// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"testing"
	"testing/fstest"
)

func TestReadTree(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	docs, err := ReadTree(fstest.MapFS{
		"kustomization.yaml":  file("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"),
		"manifests/two.yaml":  file("# generated\n---\n" + cnp("  ingress: [{}]") + "---\n" + np("  policyTypes: [Ingress]")),
		"manifests/one.yaml":  file(cnp("  egress: [{}]")),
		"nodes/seccomp/p.txt": file("not: [yaml"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(docs.Cilium) != 2 || len(docs.Plain) != 1 || len(docs.Other) != 1 || docs.Other["Kustomization"] != 1 {
		t.Errorf("%d Cilium, %d plain, others %v", len(docs.Cilium), len(docs.Plain), docs.Other)
	}
	if _, err := ReadTree(fstest.MapFS{"a.yaml": file("a: [")}); err == nil {
		t.Error("broken YAML is accepted")
	}
}

func TestClusterIsComplete(t *testing.T) {
	for name, change := range map[string]func(*Cluster){
		"no namespace": func(c *Cluster) { delete(c.Namespaces, "other") },
		"no address":   func(c *Cluster) { c.Pods[0].IP = Peer{}.addr },
		"twice":        func(c *Cluster) { c.Pods[0].Name = c.Pods[1].Name },
	} {
		c := shop()
		change(&c)
		if _, err := NewCilium(c, Documents{}); err == nil {
			t.Errorf("%s: accepted by NewCilium", name)
		}
		if _, err := NewNetworkPolicies(c, Documents{}); err == nil {
			t.Errorf("%s: accepted by NewNetworkPolicies", name)
		}
	}
}
