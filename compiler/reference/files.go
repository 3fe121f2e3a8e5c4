// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"

	"github.com/avert-dev/avert/compiler/policy"
)

// pathSections are the sections that judge paths.
type pathSections struct{ process, file pathSection }

func pathSectionsOf(ps Policies, lineage []string) *pathSections {
	return &pathSections{
		process: pathSectionOf(ps, policy.Process, lineage),
		file:    pathSectionOf(ps, policy.File, lineage),
	}
}

// exec decides running a program.
//
// Rule: process judges the script, every interpreter and the binary that runs
// in the end, and each must pass.
func (s *pathSections) exec(images []policy.Object) policy.Verdict {
	var v policy.Verdict
	for i, image := range images {
		w := s.image(objectOf(image), i == len(images)-1)
		if i == 0 || w.Action > v.Action {
			v = w
		}
	}
	return v
}

// image decides one image of an exec. There is no exec of a pipe or socket, so
// an unnamed image is an anonymous one.
//
// Rule: starting a dynamic loader directly is blocked wherever process blocks
// anything, unless a rule allows the loader by path.
func (s *pathSections) image(o object, runs bool) policy.Verdict {
	if o.class == policy.Unnamed {
		o.class = policy.Anonymous
	}
	matching := s.process.matching(policy.AccessExec, o)
	settled := slices.ContainsFunc(matching, func(r pathRule) bool {
		return r.Action == policy.Block || r.allowsByPath(o)
	})
	if runs && isLoader(o) && s.process.blocker != nil && !settled {
		return s.process.builtin(policy.BuiltinLoader)
	}
	return s.process.decide(o, matching)
}

// loaderGlobs are the dynamic loaders of glibc and musl, where distributions
// put them.
var loaderGlobs = parse("/{usr/,}{lib,lib32,lib64,libx32}/{**/,}{ld-*.so*,ld.so*,ld64.so*}")

func isLoader(o object) bool {
	return o.class == policy.Named && slices.ContainsFunc(loaderGlobs, o.matches)
}

// use decides one access to a file.
//
// Rule: file judges it, and map must pass process, too.
func (s *pathSections) use(access policy.Access, o object) policy.Verdict {
	v := s.file.decide(o, s.file.matching(access, o))
	if access == policy.AccessMap {
		v = combine(v, s.mapByProcess(o))
	}
	return v
}

// mapByProcess decides what process says about mapping a file.
//
// Rule: a Block rule of process without `from` also blocks map of the file. A
// file that cannot be named may be any, so it fails closed.
func (s *pathSections) mapByProcess(o object) policy.Verdict {
	blocks := func(r pathRule) bool { return r.Action == policy.Block && r.From == nil }
	if o.class == policy.Unresolved && slices.ContainsFunc(s.process.rules, blocks) {
		return s.process.builtin(policy.BuiltinUnresolved)
	}
	var found []match
	for _, r := range s.process.matching(policy.AccessExec, o) {
		if blocks(r) {
			found = append(found, r.match)
		}
	}
	return weigh(found, policy.Verdict{})
}

// single decides one access: exec by process, every other one as `use` does.
//
// Rule: exec is judged by process, not by file.
func (s *pathSections) single(access policy.Access, o object) policy.Verdict {
	if access == policy.AccessExec {
		return s.image(o, true)
	}
	return s.use(access, o)
}
