// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/avert-dev/avert/compiler/diag"
)

// readBundle reads the modules of an OPA bundle. With a key it must be signed
// by that, all of it; one that is signed is not read without a key.
func readBundle(file, key string) ([]*diag.File, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reader := bundle.NewReader(io.LimitReader(f, maxBytes)).WithSizeLimitBytes(maxBytes).WithBundleName(filepath.Base(file))
	if key != "" {
		verify, err := verification(key)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", key, err)
		}
		reader.WithBundleVerificationConfig(verify)
	}
	b, err := reader.Read()
	if err != nil {
		return nil, err
	}
	if len(b.Data) > 0 {
		return nil, errors.New("it has data; guardrails are rules alone, and take parameters from the configuration")
	}
	var out []*diag.File
	total := 0
	for _, m := range b.Modules {
		if total += len(m.Raw); total > maxBytes || len(out) == maxFiles {
			return nil, errTooLarge
		}
		if isRule(m.Path) {
			out = append(out, diag.NewFile(path.Join(filepath.ToSlash(file), strings.TrimPrefix(m.Path, "/")), m.Raw))
		}
	}
	return out, nil
}

// keyID is what verification calls the one key that there is.
const keyID = "key"

// verification reads a public key in PEM.
func verification(file string) (*bundle.VerificationConfig, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	algorithm := ""
	switch k := parsed.(type) {
	case *rsa.PublicKey:
		algorithm = "RS256"
	case *ecdsa.PublicKey:
		algorithm = map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[k.Curve.Params().BitSize]
	case ed25519.PublicKey:
		algorithm = "EdDSA"
	}
	if algorithm == "" {
		return nil, errors.New("it is a key of a kind that bundles are not signed by")
	}
	return bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{keyID: {Key: string(text), Algorithm: algorithm}}, keyID, "", nil), nil
}
