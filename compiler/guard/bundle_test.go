// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/avert-dev/avert/compiler/guard"
)

// keyPair writes a public key, and returns the private one in PEM.
func keyPair(t *testing.T, private crypto.Signer) (public, secret string) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	public = filepath.Join(t.TempDir(), "public.pem")
	if err := os.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		t.Fatal(err)
	}
	return public, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// archive writes a bundle with one rule, signed unless sign is nil. change may
// alter the text of the rule after that.
func archive(t *testing.T, sign *bundle.SigningConfig, data map[string]any, change func([]byte) []byte) string {
	t.Helper()
	raw := own("guardrails.prefix", `deny contains {"msg": "m", "at": input.policy.at}`).Source
	b := bundle.Bundle{
		Manifest: bundle.Manifest{Revision: "1"}, Data: data,
		Modules: []bundle.ModuleFile{{URL: "/prefix.rego", Path: "/prefix.rego", Raw: raw, Parsed: ast.MustParseModule(string(raw))}},
	}
	if b.Data == nil {
		b.Data = map[string]any{}
	}
	b.Manifest.Init()
	if sign != nil {
		if err := b.GenerateSignature(sign, "", false); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		b.Modules[0].Raw = change(raw)
	}
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).DisableFormat(true).Write(b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.tar.gz")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBundles(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaPublic, rsaSecret := keyPair(t, rsaKey)
	ecPublic, ecSecret := keyPair(t, ecKey)
	edPublic, edSecret := keyPair(t, edKey)
	rs256 := bundle.NewSigningConfig(rsaSecret, "RS256", "")
	es256 := bundle.NewSigningConfig(ecSecret, "ES256", "")
	eddsa := bundle.NewSigningConfig(edSecret, "EdDSA", "")
	altered := func(text []byte) []byte {
		return bytes.Replace(text, []byte("deny contains"), []byte("deny  contains"), 1)
	}
	for _, test := range []struct {
		name, path, key, want string
	}{
		{"unsigned", archive(t, nil, nil, nil), "", ""},
		{"unsigned, with a key", archive(t, nil, nil, nil), rsaPublic, "missing .signatures.json"},
		{"RSA", archive(t, rs256, nil, nil), rsaPublic, ""},
		{"ECDSA", archive(t, es256, nil, nil), ecPublic, ""},
		{"Ed25519", archive(t, eddsa, nil, nil), edPublic, ""},
		{"signed, without a key", archive(t, rs256, nil, nil), "", "verification key not provided"},
		{"signed by another key", archive(t, es256, nil, nil), rsaPublic, "rules.tar.gz: "},
		{"altered", archive(t, rs256, nil, altered), rsaPublic, "digest mismatch"},
		{"data", archive(t, nil, map[string]any{"teams": []any{"shop"}}, nil), "", "it has data"},
		{"no key", archive(t, rs256, nil, nil), filepath.Join(t.TempDir(), "none.pem"), "no such file"},
		{"a key that is none", archive(t, rs256, nil, nil), archive(t, nil, nil, nil), "it is not PEM"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, err := guard.Open(test.path, test.key)
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Fatalf("error %v, want %q", err, test.want)
			case test.want == "" && (len(source.Files) != 1 || !strings.HasSuffix(source.Files[0].Name, "rules.tar.gz/prefix.rego")):
				t.Errorf("%v", source.Files)
			}
		})
	}
}
