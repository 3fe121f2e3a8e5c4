// SPDX-License-Identifier: Apache-2.0

package apparmorbin

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avert-dev/avert/internal/needs"
)

// Parser runs apparmor_parser for a kernel.
type Parser struct{ tool, features string }

// NewParser returns the parser for a kernel ("6.12"). The test is skipped where
// apparmor_parser is missing.
func NewParser(t testing.TB, kernel string) Parser {
	t.Helper()
	p := Parser{tool: needs.Tool(t, "apparmor_parser")}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; p.features == ""; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "testdata", "apparmor", "features."+kernel)
		if _, err := os.Stat(path); err == nil {
			p.features = path
		} else if dir == filepath.Dir(dir) {
			t.Fatalf("there is no testdata/apparmor/features.%s", kernel)
		}
	}
	return p
}

// Policy compiles profiles with all warnings on. It also returns what the parser
// said; the error is its failure.
func (p Parser) Policy(source string) (policy []byte, messages string, err error) {
	// Without the features of a kernel the parser leaves rules out and says nothing.
	cmd := exec.Command(p.tool, "-QKS", "--warn=all", "--kernel-features", p.features)
	cmd.Stdin = strings.NewReader(source)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err = cmd.Run()
	return out.Bytes(), said.String(), err
}

// Compile compiles profiles and reads the result. A warning is an error.
func (p Parser) Compile(source string) ([]*Profile, error) {
	policy, messages, err := p.Policy(source)
	if err != nil || messages != "" {
		return nil, fmt.Errorf("apparmor_parser: %v: %s", err, messages)
	}
	return Load(policy)
}
