// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avert-dev/avert/internal/kerneltest/lsm"
)

// listing says what a test of the target lsm proves. Those tests take attempts from tables of another file, or
// draw them, so that a directive could stand at no entry.
type listing struct {
	file, test string
	// row is a way around a policy, of package lsm; 0 when the whole test is meant.
	row     int
	intents string
}

const (
	evasionTest = "internal/kerneltest/lsm/governed_test.go"
	alertTest   = "cmd/avert-node/alerts_vm_test.go"
	randomTest  = "internal/kerneltest/lsmdiffer/lsmdiffer_test.go"
	agreeTest   = "runtime/image/agree_test.go"
	hostileTest = "runtime/image/hostile_test.go"
)

// listings are all of them.
var listings = []listing{
	{randomTest, "TestDiffer", 0, "process/default-block process/default-audit process/allow process/block process/quiet process/star process/below process/deep " +
		"process/class process/braces process/names process/anonymous process/from-exe process/from-parent process/from-ancestor process/allow-from " +
		"process/from-escalation process/mode-audit process/audit process/script process/loader"},
	{randomTest, "TestDiffer", 0, "file/default-block file/default-audit file/allow file/block file/quiet file/star file/below file/deep " +
		"file/class file/braces file/names file/anonymous file/from-exe file/from-parent file/from-ancestor file/allow-from " +
		"file/from-escalation file/mode-audit file/audit file/directories file/change " +
		"file/read file/write file/create file/delete file/rename file/link file/chmod file/chown file/times file/xattr file/map"},
	{agreeTest, "TestAgreesWithReference", 0, "random system/mount system/userns system/bpf system/allow system/audit system/implied system/mode-audit"},
	{alertTest, "TestAlerts", 0, "alerts process/block process/audit process/loader file/read file/quiet file/audit file/change file/times file/xattr file/map " +
		"file/from-exe file/from-parent file/from-ancestor file/mode-audit system/mount system/bpf system/audit system/mode-audit"},
	{evasionTest, "TestGoverned", 0, "evasions"},
	{evasionTest, "TestGoverned", 2, "process/script"},
	{evasionTest, "TestGoverned", 3, "process/loader file/map"},
	{evasionTest, "TestGoverned", 4, "process/default-block"},
	{evasionTest, "TestGoverned", 7, "file/directories"},
	{evasionTest, "TestGoverned", 8, "system/implied"},
	{evasionTest, "TestGoverned", 10, "file/from-exe file/from-ancestor"},
	{evasionTest, "TestGoverned", 25, "system/implied"},
	{evasionTest, "TestGoverned", 29, "file/change"},
	{"runtime/node/vm_test.go", "TestKernels", 0, "swaps"},
	{"runtime/node/vm_test.go", "TestUpgrade", 0, "swaps"},
	{hostileTest, "TestCut", 0, "hostile"},
	{hostileTest, "TestFlips", 0, "hostile"},
	{hostileTest, "TestRefusals", 0, "hostile"},
	{hostileTest, "TestEdits", 0, "hostile"},
}

// listed returns the proofs of listings; root is the repository.
func listed(root string) ([]proof, error) {
	var out []proof
	for _, l := range listings {
		kernels, err := onKernels(filepath.Join(root, l.file), l.test)
		if err != nil {
			return nil, err
		}
		scenario := ""
		if l.row > 0 {
			scenario = fmt.Sprintf("row %d", l.row)
			if !slices.ContainsFunc(lsm.Rows, func(r lsm.Row) bool { return r.Number == l.row }) {
				return nil, fmt.Errorf("%s has no %s", l.test, scenario)
			}
		}
		for _, intent := range strings.Fields(l.intents) {
			out = append(out, proof{"lsm", intent, l.file, l.test, scenario, kernels})
		}
	}
	return out, nil
}

// onKernels says whether a test runs on each kernel, in itself or in a function of its file that it uses.
func onKernels(path, test string) (bool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		return false, err
	}
	declared := functions(file)
	f := declared[test]
	if f == nil || !isTest(f) {
		return false, fmt.Errorf("%s has no test %s", path, test)
	}
	for name, g := range declared {
		if g.Body != nil && mentions(g, "Matrix") && (name == test || mentions(f, name)) {
			return true, nil
		}
	}
	return false, nil
}
