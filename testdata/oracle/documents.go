// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2/validator"
	slimnetv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8syaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Documents are the policies of a tree, decoded and validated.
type Documents struct {
	Cilium []*ciliumv2.CiliumNetworkPolicy
	Plain  []*networkingv1.NetworkPolicy
	// Other counts the documents of other kinds, by kind. They are not policies
	// and were not looked at.
	Other map[string]int

	slim []*slimnetv1.NetworkPolicy // Plain, as Cilium's own types
}

// Parse reads streams of YAML documents. A policy that the API server or the
// Cilium agent would refuse or prune is an error: an unknown or duplicate field,
// a violation of the schema.
func Parse(streams ...[]byte) (Documents, error) {
	docs := Documents{Other: map[string]int{}}
	for _, stream := range streams {
		r := k8syaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
		for {
			doc, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return Documents{}, err
			}
			if err := docs.add(doc); err != nil {
				return Documents{}, err
			}
		}
	}
	return docs, nil
}

// ReadTree parses every .yaml file below root.
func ReadTree(root fs.FS) (Documents, error) {
	var streams [][]byte
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		b, err := fs.ReadFile(root, path)
		streams = append(streams, b)
		return err
	})
	if err != nil {
		return Documents{}, err
	}
	return Parse(streams...)
}

func (d *Documents) add(doc []byte) error {
	var head struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(doc, &head); err != nil {
		return err
	}
	var err error
	switch head.APIVersion + "/" + head.Kind {
	case "/": // nothing but comments
	case "cilium.io/v2/CiliumNetworkPolicy":
		err = d.addCilium(doc)
	case "networking.k8s.io/v1/NetworkPolicy":
		err = d.addPlain(doc)
	default:
		d.Other[head.Kind]++
	}
	if err != nil {
		return fmt.Errorf("%s %s/%s: %w", head.Kind, head.Namespace, head.Name, err)
	}
	return nil
}

var crdValidator = sync.OnceValues(func() (*validator.NPValidator, error) {
	return validator.NewNPValidator(quiet)
})

func (d *Documents) addCilium(doc []byte) error {
	policy := new(ciliumv2.CiliumNetworkPolicy)
	if err := yaml.UnmarshalStrict(doc, policy); err != nil {
		return err
	}
	// The types decode selectors leniently; the CRD's schema does not, and
	// Cilium's validator also finds what a round trip through the types loses.
	var raw map[string]any
	if err := yaml.Unmarshal(doc, &raw); err != nil {
		return err
	}
	v, err := crdValidator()
	if err != nil {
		return err
	}
	if err := v.ValidateCNP(&unstructured.Unstructured{Object: raw}); err != nil {
		return err
	}
	d.Cilium = append(d.Cilium, policy)
	return nil
}

func (d *Documents) addPlain(doc []byte) error {
	policy := new(networkingv1.NetworkPolicy)
	if err := yaml.UnmarshalStrict(doc, policy); err != nil {
		return err
	}
	if err := validatePlain(policy); err != nil {
		return err
	}
	slim := new(slimnetv1.NetworkPolicy)
	if err := yaml.Unmarshal(doc, slim); err != nil {
		return err
	}
	d.Plain = append(d.Plain, policy)
	d.slim = append(d.slim, slim)
	return nil
}
