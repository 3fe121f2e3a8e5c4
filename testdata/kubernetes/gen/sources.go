// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// The releases whose objects the schemas describe. This is the only place that names them.
const (
	kubernetes = "k8s.io/kubernetes@v1.35.4"
	cilium     = "github.com/cilium/cilium@v1.20.2"
)

// kinds are the definitions of the OpenAPI document of Kubernetes that get a schema: what avert writes or patches.
var kinds = []string{
	"io.k8s.api.core.v1.Pod",
	"io.k8s.api.apps.v1.Deployment",
	"io.k8s.api.apps.v1.StatefulSet",
	"io.k8s.api.apps.v1.DaemonSet",
	"io.k8s.api.batch.v1.Job",
	"io.k8s.api.batch.v1.CronJob",
	"io.k8s.api.networking.v1.NetworkPolicy",
}

func readOpenAPI() (definitions, error) {
	data, err := readModuleFile(kubernetes, "api/openapi-spec/swagger.json")
	if err != nil {
		return nil, err
	}
	var document struct{ Definitions definitions }
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", kubernetes, err)
	}
	return document.Definitions, nil
}

// readCustomResource returns the schema of CiliumNetworkPolicy.
func readCustomResource(d definitions) (kind, schema, error) {
	data, err := readModuleFile(cilium, "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml")
	if err != nil {
		return kind{}, nil, err
	}
	var object struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema schema }
			}
		}
	}
	if err := yaml.Unmarshal(data, &object); err != nil {
		return kind{}, nil, fmt.Errorf("%s: %w", cilium, err)
	}
	if n := len(object.Spec.Versions); n != 1 {
		return kind{}, nil, fmt.Errorf("%s: CiliumNetworkPolicy has %d versions; say which one is written", cilium, n)
	}
	v := object.Spec.Versions[0]
	id := kind{Group: object.Spec.Group, Version: v.Name, Kind: object.Spec.Names.Kind}
	s, err := d.custom(id, v.Schema.OpenAPIV3Schema)
	return id, s, err
}

// readModuleFile returns a file of a module, which the go command downloads and verifies.
func readModuleFile(module, path string) ([]byte, error) {
	var stderr bytes.Buffer
	command := exec.Command("go", "mod", "download", "-json", module)
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("download %s: %w\n%s%s", module, err, output, &stderr)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(output, &downloaded); err != nil {
		return nil, fmt.Errorf("download %s: %w", module, err)
	}
	return os.ReadFile(filepath.Join(downloaded.Dir, filepath.FromSlash(path)))
}
