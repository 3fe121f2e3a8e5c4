// SPDX-License-Identifier: Apache-2.0

package debian

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/avert-dev/avert/internal/needs"
)

const stanzaForm = `# Debian
Types: deb
URIs: https://one.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /keys/debian-archive-keyring.gpg
Check-Date: no

Types: deb-src
URIs: https://source.example/debian
Suites: bookworm
Components: main

Types: deb
# The key stands in the file.
URIs: https://other.example/
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: https://off.example/debian
Suites: bookworm-security
Components: main`

const lineForm = `# deb https://off.example/debian bookworm main
deb-src https://source.example/debian bookworm main
deb [arch=amd64,arm64 signed-by=/a.gpg,/b.gpg trusted=yes] https://one.example/debian bookworm main contrib # the archive
deb	https://security.example/debian-security bookworm-security main
deb incomplete
`

func TestParse(t *testing.T) {
	stanzas, err := parseStanzas(strings.NewReader(stanzaForm))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := parseList(strings.NewReader(lineForm))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		got, want []source
	}{
		{stanzas, []source{
			{[]string{"bookworm", "bookworm-updates"}, []string{"main", "contrib"}, map[string]string{
				"uris": "https://one.example/debian", "signed-by": "/keys/debian-archive-keyring.gpg", "check-date": "no"}},
			{[]string{"bookworm"}, []string{"main"}, map[string]string{
				"uris": "https://other.example/", "signed-by": "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc"}},
		}},
		{lines, []source{
			{[]string{"bookworm"}, []string{"main", "contrib"}, map[string]string{
				"uris": "https://one.example/debian", "signed-by": "/a.gpg /b.gpg", "trusted": "yes"}},
			{[]string{"bookworm-security"}, []string{"main"}, map[string]string{"uris": "https://security.example/debian-security"}},
		}},
	} {
		if diff := cmp.Diff(test.want, test.got, cmp.AllowUnexported(source{})); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSourceOf(t *testing.T) {
	stanzas, _ := parseStanzas(strings.NewReader(stanzaForm))
	lines, _ := parseList(strings.NewReader(lineForm))
	for _, test := range []struct {
		name, suite, codename string
		host                  []source
		want                  string
	}{
		{"Debian's own among others of the name", "trixie-backports", "bookworm", stanzas,
			"Types: deb\nSuites: trixie-backports\nComponents: main\ncheck-date: no\nsigned-by: /keys/debian-archive-keyring.gpg\nuris: https://one.example/debian\n"},
		{"security", "bullseye-security", "bookworm", lines,
			"Types: deb\nSuites: bullseye-security\nComponents: main\nuris: https://security.example/debian-security\n"},
		{"a key of another name", "trixie", "bookworm", lines,
			"Types: deb\nSuites: trixie\nComponents: main\nsigned-by: /a.gpg /b.gpg\ntrusted: yes\nuris: https://one.example/debian\n"},
		{"no security", "bullseye-security", "bookworm", stanzas, "needs Debian's security archive among the sources of apt"},
		{"another system", "trixie", "noble", lines, "needs Debian's own archive among the sources of apt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := sourceOf(test.suite, test.codename, test.host)
			var unavailable *needs.Unavailable
			if err != nil && (!errors.As(err, &unavailable) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v", err)
			}
			if err == nil && s.String() != test.want {
				t.Error(cmp.Diff(test.want, s.String()))
			}
		})
	}
}

func TestStanzas(t *testing.T) {
	got, err := stanzas([]byte("Package: a\nDescription: text\n Package: no\n\n\nPackage: b\nVersion: 1:2\n"))
	want := []map[string]string{{"Package": "a", "Description": "text"}, {"Package": "b", "Version": "1:2"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
