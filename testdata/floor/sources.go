// SPDX-License-Identifier: Apache-2.0

// Package floor runs the default seccomp profiles of real container runtimes,
// writes the data of compiler/floor from them, and tests compiler/floor against
// them and against libseccomp. It is a module of its own, so that none of these
// is a dependency of avert.
package floor

// Source is a range of versions of a runtime that have one default profile, and
// the modules to ask for it.
type Source struct {
	Runtime string
	// From is the first version that the profile stands for. A version between
	// the last one of a row and the first one of the next was not looked at: it
	// belongs to the row that allows less, which TestGapsAreOnTheStrictSide holds.
	From string
	// First and Last are the versions that were looked at; the profile is the
	// same at both. They are empty where the runtime's own module is not.
	First, Last string
	// Module and Versions say what to run. For containerd they are First and Last.
	Module   string
	Versions []string
}

const (
	containerd1 = "github.com/containerd/containerd"
	containerd2 = "github.com/containerd/containerd/v2"
	common      = "github.com/containers/common"
)

// Sources lists what compiler/floor knows, by runtime and version.
//
// CRI-O takes its profile from containers/common and changes one thing (see
// probe/crio.go.txt). The version that each CRI-O release requires is in its go.mod:
// 0.57 or older up to 1.30, 0.60 and 0.61 for 1.31 and 1.32, 0.63 or newer from
// 1.34 on.
func Sources() []Source {
	return []Source{
		containerd("1.6.0", "1.6.1", "1.6.1"),
		containerd("1.6.8", "1.6.8", "1.6.8"),
		containerd("1.6.19", "1.6.19", "1.6.19"),
		containerd("1.6.36", "1.6.36", "1.6.36"),
		containerd("1.7.0", "1.7.2", "1.7.2"),
		containerd("1.7.6", "1.7.6", "1.7.12"),
		containerd("1.7.15", "1.7.15", "1.7.31"),
		containerd("1.7.32", "1.7.32", "1.7.35"),
		containerd("2.0.0", "2.0.13", "2.0.13"),
		containerd("2.0.14", "2.0.14", "2.0.14"),
		containerd("2.1.0", "2.1.3", "2.1.9"),
		containerd("2.2.0", "2.2.1", "2.2.3"),
		containerd("2.2.4", "2.2.8", "2.2.9"),
		containerd("2.3.0", "2.3.4", "2.3.6"),
		containerd("2.3.7", "2.3.7", "2.3.7"),
		containerd("2.4.0", "2.4.0", "2.4.1"),
		containerd("2.4.2", "2.4.2", "2.4.2"),
		crio("1.24.0", "0.49.1", "0.57.0"),
		crio("1.31.0", "0.60.0", "0.62.0"),
		crio("1.34.0", "0.63.0", "0.64.2"),
	}
}

func containerd(from, first, last string) Source {
	module := containerd1
	if from[0] == '2' {
		module = containerd2
	}
	return Source{Runtime: "containerd", From: from, First: first, Last: last, Module: module, Versions: versions(first, last)}
}

func crio(from, first, last string) Source {
	return Source{Runtime: "cri-o", From: from, Module: common, Versions: versions(first, last)}
}

func versions(first, last string) []string {
	if first == last {
		return []string{first}
	}
	return []string{first, last}
}
