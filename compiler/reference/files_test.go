// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"testing"

	"github.com/avert-dev/avert/compiler/policy"
)

// TestLineage has a subtest for every sentence of the language about lineages
// that a decision can show. How forks and execs change a lineage is the
// caller's part.
func TestLineage(t *testing.T) {
	exe := alone(process(allow, on("r", block, "/bash", from(policy.From{Exe: list("/sh")}))))
	parent := alone(process(allow, on("r", block, "/bash", from(policy.From{Parent: list("/sh")}))))
	ancestor := alone(process(allow, on("r", block, "/bash", from(policy.From{Ancestor: list("/sh")}))))
	bash := run(at("/bash"))
	check(t, "the first exec is governed",
		decision{"by the default", alone(process(block)), bash, "Block a process/default"},
		decision{"by a rule", alone(process(allow, on("r", block, "/bash"))), bash, "Block a process/r"},
	)
	check(t, "rules with from do not match the first exec",
		decision{"exe", exe, bash, "Allow a process/default"},
		decision{"parent", parent, bash, "Allow a process/default"},
		decision{"ancestor", ancestor, bash, "Allow a process/default"},
		decision{"any image", alone(process(allow, on("r", block, "/bash", from(policy.From{Exe: list("/** /")})))), bash, "Allow a process/default"},
	)
	check(t, "process rules check the script and every interpreter",
		decision{"the script", alone(process(allow, on("r", block, "/script"))), run(at("/script"), at("/env"), at("/sh")), "Block a process/r"},
		decision{"an interpreter between", alone(process(allow, on("r", block, "/env"))), run(at("/script"), at("/env"), at("/sh")), "Block a process/r"},
		decision{"what runs in the end", alone(process(allow, on("r", block, "/sh"))), run(at("/script"), at("/env"), at("/sh")), "Block a process/r"},
		decision{"an Allow of one is none of the others", alone(process(block, on("r", allow, "/script"))), run(at("/script"), at("/sh")), "Block a process/default"},
		decision{"an Audit of one", alone(process(allow, on("r", audit, "/sh"))), run(at("/script"), at("/sh")), "Audit a process/r"},
		decision{"the first among equals", alone(process(allow, on("q", block, "/script", quiet), on("r", block, "/sh"))), run(at("/script"), at("/sh")), "Block a process/q silently"},
	)
	check(t, "exe is the current image",
		decision{"it", exe, by(bash, "/init", "/sh"), "Block a process/r"},
		decision{"an earlier one", exe, by(bash, "/sh", "/init"), "Allow a process/default"},
	)
	check(t, "parent is the one before",
		decision{"it", parent, by(bash, "/init", "/sh", "/x"), "Block a process/r"},
		decision{"the current one", parent, by(bash, "/init", "/sh"), "Allow a process/default"},
		decision{"an earlier one", parent, by(bash, "/sh", "/init", "/x"), "Allow a process/default"},
	)
	check(t, "ancestor is any earlier one, the parent included",
		decision{"the parent", ancestor, by(bash, "/sh", "/x"), "Block a process/r"},
		decision{"the oldest", ancestor, by(bash, "/sh", "/y", "/x"), "Block a process/r"},
		decision{"the current one", ancestor, by(bash, "/x", "/sh"), "Allow a process/default"},
	)
	check(t, "an absent one does not match",
		decision{"parent", parent, by(bash, "/sh"), "Allow a process/default"},
		decision{"ancestor", ancestor, by(bash, "/sh"), "Allow a process/default"},
		decision{"any parent", alone(process(allow, on("r", block, "/bash", from(policy.From{Parent: list("/**")})))), by(bash, "/sh"), "Allow a process/default"},
	)
	all := alone(process(allow, on("r", block, "/bash", from(policy.From{Exe: list("/x /sh"), Parent: list("/p"), Ancestor: list("/o")}))))
	check(t, "fields of from are ANDed and their patterns ORed",
		decision{"all", all, by(bash, "/o", "/p", "/sh"), "Block a process/r"},
		decision{"not the parent", all, by(bash, "/o", "/q", "/sh"), "Allow a process/default"},
		decision{"not the ancestor", all, by(bash, "/q", "/p", "/sh"), "Allow a process/default"},
		decision{"not the image", all, by(bash, "/o", "/p", "/y"), "Allow a process/default"},
	)
	check(t, "processes found when a policy is loaded have their current image alone",
		decision{"exe", exe, by(bash, "/sh"), "Block a process/r"},
		decision{"parent", parent, by(bash, "/x"), "Allow a process/default"},
	)
}

// TestObjects has a subtest for every sentence of the language about what an
// object is and how it is used.
func TestObjects(t *testing.T) {
	x := on("x", block, "/x")
	check(t, "a walk that does not end at a canonical path is unresolved",
		decision{"named", alone(file(allow, x)), read(at("/a/../x")), "Block a file/(unresolved)"},
		decision{"relative", alone(file(allow, x)), read(at("x")), "Block a file/(unresolved)"},
		decision{"an image", alone(process(allow, x)), run(at("/x/")), "Block a process/(unresolved)"},
	)
	check(t, "unresolved fails closed where the section blocks anything",
		decision{"a rule about another access and lineage", alone(file(allow, on("w", block, "/x", access(policy.AccessWrite), from(policy.From{Exe: list("/sh")})))), read(lost), "Block a file/(unresolved)"},
		decision{"a quiet rule", alone(file(allow, on("q", block, "/x", quiet))), read(lost), "Block a file/(unresolved)"},
		decision{"a default", alone(file(block, on("yes", allow, "/**"))), read(lost), "Block a file/(unresolved)"},
		decision{"of the first policy that blocks", both(enforced("a", file(audit)), enforced("b", file(allow, x))), read(lost), "Block b file/(unresolved)"},
		decision{"of the first of two that block", both(enforced("a", file(block)), enforced("b", file(allow, x))), read(lost), "Block a file/(unresolved)"},
		decision{"nothing is blocked", alone(file(audit, on("see", audit, "/x"))), read(lost), "Audit a file/default"},
		decision{"another section blocks", alone(file(allow), process(block)), read(lost), "Allow a file/default"},
		decision{"an image", alone(process(block)), run(lost), "Block a process/(unresolved)"},
	)
	check(t, "setattr is chmod, chown, times and xattr",
		decision{"chmod", alone(file(allow, on("r", block, "/x", access(policy.AccessSetattr)))), use(policy.AccessChmod, at("/x")), "Block a file/r"},
		decision{"chown", alone(file(allow, on("r", block, "/x", access(policy.AccessSetattr)))), use(policy.AccessChown, at("/x")), "Block a file/r"},
		decision{"times", alone(file(allow, on("r", block, "/x", access(policy.AccessSetattr)))), use(policy.AccessTimes, at("/x")), "Block a file/r"},
		decision{"xattr", alone(file(allow, on("r", block, "/x", access(policy.AccessSetattr)))), use(policy.AccessXattr, at("/x")), "Block a file/r"},
		decision{"no write", alone(file(allow, on("r", block, "/x", access(policy.AccessSetattr)))), use(policy.AccessWrite, at("/x")), "Allow a file/default"},
	)
	check(t, "pipes, sockets and anonymous inodes are outside file",
		decision{"default Block", alone(file(block)), read(pipe), "Allow"},
		decision{"a rule about anonymous files", alone(file(block, on("r", block, "/**", anonymous))), use(policy.AccessMap, pipe), "Allow"},
		decision{"renaming one", alone(file(block)), policy.Operation{Kind: policy.OpRename, Object: pipe, Target: pipe}, "Allow"},
	)
	check(t, "anonymous files match no pattern",
		decision{"a rule about everything", alone(file(allow, on("r", block, "/** /", named("x")))), read(memfd), "Allow"},
		decision{"anonymous: true", alone(file(allow, on("r", block, "", anonymous))), read(memfd), "Block a file/r"},
		decision{"anonymous: true beside paths", alone(file(block, on("r", allow, "/x", anonymous))), read(memfd), "Allow a file/r"},
		decision{"of another access", alone(file(allow, on("r", block, "", anonymous, access(policy.AccessMap)))), read(memfd), "Allow"},
		decision{"a named file", alone(file(allow, on("r", block, "", anonymous))), read(at("/x")), "Allow a file/default"},
	)
	check(t, "anonymous files get the default when it is Block",
		decision{"Block", alone(file(block)), read(memfd), "Block a file/default"},
		decision{"Audit", alone(file(audit)), read(memfd), "Allow"},
		decision{"an image", alone(process(block)), run(memfd), "Block a process/default"},
		decision{"an image without a name", alone(process(block)), run(pipe), "Block a process/default"},
	)
	check(t, "exec is judged by process, not by file",
		decision{"file blocks everything", alone(file(block, on("r", block, "/**"))), run(at("/x")), "Allow"},
		decision{"process blocks", alone(file(allow), process(block)), run(at("/x")), "Block a process/default"},
	)
	check(t, "a Block rule of process without from also blocks map",
		decision{"map", alone(process(allow, x)), use(policy.AccessMap, at("/x")), "Block a process/x"},
		decision{"by name", alone(process(allow, on("n", block, "", named("x")))), use(policy.AccessMap, at("/y/x")), "Block a process/n"},
		decision{"anonymous", alone(process(allow, on("m", block, "", anonymous))), use(policy.AccessMap, memfd), "Block a process/m"},
		decision{"not read", alone(process(allow, x)), use(policy.AccessRead, at("/x")), "Allow"},
		decision{"unresolved fails closed", alone(process(allow, x)), use(policy.AccessMap, lost), "Block a process/(unresolved)"},
		decision{"unresolved and a default", alone(process(block)), use(policy.AccessMap, lost), "Allow"},
		decision{"unresolved and from", alone(process(allow, on("x", block, "/x", from(policy.From{Exe: list("/sh")})))), use(policy.AccessMap, lost), "Allow"},
		decision{"not with from", alone(process(allow, on("x", block, "/x", from(policy.From{Exe: list("/sh")})))), by(use(policy.AccessMap, at("/x")), "/sh"), "Allow"},
		decision{"not by a default", alone(process(block)), use(policy.AccessMap, at("/x")), "Allow"},
		decision{"not by an Audit", alone(process(allow, on("x", audit, "/x"))), use(policy.AccessMap, at("/x")), "Allow"},
		decision{"whatever file allows", alone(process(allow, x), file(block, on("yes", allow, "/x"))), use(policy.AccessMap, at("/x")), "Block a process/x"},
	)
}

// TestLoader has the sentence about starting a dynamic loader directly.
func TestLoader(t *testing.T) {
	blocking := on("x", block, "/x")
	ld := run(at("/lib64/ld-linux-x86-64.so.2"))
	check(t, "starting a dynamic loader is blocked wherever process blocks anything",
		decision{"a rule", alone(process(allow, blocking)), ld, "Block a process/(loader)"},
		decision{"a default", alone(process(block)), ld, "Block a process/(loader)"},
		decision{"a rule of another lineage", alone(process(allow, on("x", block, "/x", from(policy.From{Exe: list("/sh")})))), ld, "Block a process/(loader)"},
		decision{"nothing", alone(process(audit)), ld, "Audit a process/default"},
		decision{"file only", alone(process(allow), file(block)), ld, "Allow a process/default"},
		decision{"the first policy that blocks", both(enforced("a", process(audit)), enforced("b", process(block))), ld, "Block b process/(loader)"},
		decision{"a script", alone(process(allow, blocking)), run(at("/lib/ld.so"), at("/bin/sh")), "Allow a process/default"},
		decision{"the interpreter of a script", alone(process(allow, blocking)), run(at("/script"), at("/lib/ld.so")), "Block a process/(loader)"},
		decision{"a Block rule is named", alone(process(allow, on("l", block, "/lib/**", quiet))), run(at("/lib/ld.so")), "Block a process/l silently"},
	)
	for _, path := range []string{"/lib/ld.so", "/usr/lib/ld.so.1", "/lib32/ld-2.31.so", "/usr/libx32/ld-linux-x32.so.2", "/lib/x86_64-linux-gnu/ld-2.36.so", "/usr/lib/a/b/ld64.so.2", "/lib/ld-musl-x86_64.so.1"} {
		check(t, "a dynamic loader is", decision{path, alone(process(allow, blocking)), run(at(path)), "Block a process/(loader)"})
	}
	for _, path := range []string{"/bin/ld.so", "/opt/lib/ld.so", "/lib/ld", "/lib/xld.so", "/lib128/ld.so", "/usr/local/lib/ld.so", "/lib/ld-so"} {
		check(t, "no dynamic loader is", decision{path, alone(process(allow, blocking)), run(at(path)), "Allow a process/default"})
	}
	check(t, "unless a rule allows the loader by path",
		decision{"its path", alone(process(block, on("l", allow, "/lib/ld.so"))), run(at("/lib/ld.so")), "Allow a process/l"},
		decision{"a pattern of its name", alone(process(block, on("l", audit, "/lib/ld*"))), run(at("/lib/ld.so")), "Audit a process/l"},
		decision{"in braces", alone(process(block, on("l", allow, "/lib/{a,ld.so}"))), run(at("/lib/ld.so")), "Allow a process/l"},
		decision{"the alternative that does not match", alone(process(block, on("l", allow, "/lib/{*,ld}"))), run(at("/lib/ld.so")), "Block a process/(loader)"},
		decision{"with escapes", alone(process(block, on("l", allow, `/lib/\ld.so`))), run(at("/lib/ld.so")), "Allow a process/l"},
		decision{"a directory", alone(process(block, on("l", allow, "/lib/**"))), run(at("/lib/ld.so")), "Block a process/(loader)"},
		decision{"a class", alone(process(block, on("l", allow, "/lib/[l]d.so"))), run(at("/lib/ld.so")), "Block a process/(loader)"},
		decision{"a name", alone(process(block, on("l", allow, "", named("ld.so")))), run(at("/lib/ld.so")), "Block a process/(loader)"},
		decision{"another lineage", alone(process(block, on("l", allow, "/lib/ld.so", from(policy.From{Exe: list("/sh")})))), run(at("/lib/ld.so")), "Block a process/(loader)"},
		decision{"another policy", both(enforced("a", process(block)), enforced("b", process(allow, on("l", allow, "/lib/ld.so")))), run(at("/lib/ld.so")), "Allow b process/l"},
	)
}

// TestMove has a subtest for every sentence of the language about rename and
// link.
func TestMove(t *testing.T) {
	only := func(a policy.Access, path string) policy.PathRule { return on(a.String(), block, path, access(a)) }
	check(t, "rename needs rename on the source",
		decision{"blocked", alone(file(allow, only(policy.AccessRename, "/**"))), rename("/s", "/t"), "Block a file/rename"},
		decision{"not on the target", alone(file(allow, only(policy.AccessRename, "/t"))), rename("/s", "/t"), "Allow a file/default"},
		decision{"link is another access", alone(file(allow, only(policy.AccessLink, "/**"))), rename("/s", "/t"), "Allow a file/default"},
		decision{"an Audit makes an Audit", alone(file(allow, on("see", audit, "/s", access(policy.AccessRename)))), rename("/s", "/t"), "Audit a file/see"},
	)
	check(t, "link needs link on the source",
		decision{"blocked", alone(file(allow, only(policy.AccessLink, "/**"))), link("/s", "/t"), "Block a file/link"},
		decision{"rename is another access", alone(file(allow, only(policy.AccessRename, "/**"))), link("/s", "/t"), "Allow a file/default"},
	)
	check(t, "both need create on the target",
		decision{"rename", alone(file(allow, only(policy.AccessCreate, "/t"))), rename("/s", "/t"), "Block a file/create"},
		decision{"link", alone(file(allow, only(policy.AccessCreate, "/t"))), link("/s", "/t"), "Block a file/create"},
		decision{"the source comes first", alone(file(allow, only(policy.AccessCreate, "/t"), only(policy.AccessRename, "/**"))), rename("/s", "/t"), "Block a file/rename"},
		decision{"what reports comes first", alone(file(allow, only(policy.AccessCreate, "/t"), on("q", block, "/**", access(policy.AccessRename), quiet))), rename("/s", "/t"), "Block a file/create"},
	)
	check(t, "rename needs delete on an existing target",
		decision{"existing", alone(file(allow, only(policy.AccessDelete, "/t"))), over(rename("/s", "/t")), "Block a file/delete"},
		decision{"not existing", alone(file(allow, only(policy.AccessDelete, "/t"))), rename("/s", "/t"), "Allow a file/default"},
	)
	check(t, "an exchange is judged in both directions, and deletes nothing",
		decision{"rename of the target", alone(file(allow, only(policy.AccessRename, "/t"))), exchange(rename("/s", "/t")), "Block a file/rename"},
		decision{"create of the source", alone(file(allow, only(policy.AccessCreate, "/s"))), exchange(rename("/s", "/t")), "Block a file/(carry-out)"},
		decision{"delete of both", alone(file(allow, only(policy.AccessDelete, "/**"))), exchange(rename("/s", "/t")), "Allow a file/default"},
		decision{"carried out by the way back", alone(file(allow, only(policy.AccessRead, "/t"))), exchange(rename("/s", "/t")), "Block a file/(carry-out)"},
	)
	for _, a := range policy.AccessNames {
		if a.Access == policy.AccessExec || a.Access == policy.AccessRename || a.Access == policy.AccessLink {
			continue
		}
		check(t, "an access that is blocked at the source must be blocked at the target",
			decision{a.Name + " renamed", alone(file(allow, only(a.Access, "/s"))), rename("/s", "/t"), "Block a file/(carry-out)"},
			decision{a.Name + " linked", alone(file(allow, only(a.Access, "/s"))), link("/s", "/t"), "Block a file/(carry-out)"},
		)
	}
	check(t, "renames are carried out by links, and links by renames",
		decision{"rename", alone(file(allow, only(policy.AccessRename, "/s"))), link("/s", "/t"), "Block a file/(carry-out)"},
		decision{"link", alone(file(allow, only(policy.AccessLink, "/s"))), rename("/s", "/t"), "Block a file/(carry-out)"},
	)
	read := only(policy.AccessRead, "/s/**")
	check(t, "nothing may be carried out of a rule's reach",
		decision{"to where it is blocked likewise", alone(file(allow, read)), rename("/s/a", "/s/b"), "Allow a file/default"},
		decision{"to where another rule blocks it", alone(file(allow, read, on("r2", block, "/t", access(policy.AccessRead)))), rename("/s/a", "/t"), "Allow a file/default"},
		decision{"into a rule's reach", alone(file(allow, read)), rename("/t", "/s/a"), "Allow a file/default"},
		decision{"a default counts", alone(file(block, on("yes", allow, "/s", access(policy.AccessRename)), on("t", allow, "/t"))), rename("/s", "/t"), "Block a file/(carry-out)"},
		decision{"exec", alone(process(allow, on("x", block, "/s"))), rename("/s", "/t"), "Block a file/(carry-out)"},
		decision{"exec by the default of process", alone(process(block, on("x", allow, "/t"))), link("/s", "/t"), "Block a file/(carry-out)"},
		decision{"a loader", alone(process(allow, on("x", block, "/x"))), link("/lib/ld.so", "/t"), "Block a file/(carry-out)"},
		decision{"map by process", alone(process(block, on("x", block, "/s"))), rename("/s", "/t"), "Block a file/(carry-out)"},
		decision{"a quiet Block reports here", alone(file(allow, on("q", block, "/s", access(policy.AccessRead), quiet))), rename("/s", "/t"), "Block a file/(carry-out)"},
		decision{"an Audit is not a Block", alone(file(allow, on("see", audit, "/s", access(policy.AccessRead)))), rename("/s", "/t"), "Allow a file/default"},
		decision{"the lineage counts", alone(file(allow, on("r", block, "/s", access(policy.AccessRead), from(policy.From{Exe: list("/sh")})))), by(rename("/s", "/t"), "/bash"), "Allow a file/default"},
		decision{"for this lineage", alone(file(allow, on("r", block, "/s", access(policy.AccessRead), from(policy.From{Exe: list("/sh")})))), by(rename("/s", "/t"), "/sh"), "Block a file/(carry-out)"},
		decision{"the policy that blocks is named", both(enforced("a", file(allow)), enforced("b", file(allow, read))), rename("/s/a", "/t"), "Block b file/(carry-out)"},
		decision{"plain accesses come first", alone(file(allow, read, only(policy.AccessCreate, "/t"))), rename("/s/a", "/t"), "Block a file/create"},
	)
	check(t, "for a directory also below it",
		decision{"a file below", alone(file(allow, read)), directory(rename("/s", "/t")), "Block a file/(carry-out)"},
		decision{"only of a directory", alone(file(allow, read)), rename("/s", "/t"), "Allow a file/default"},
		decision{"an ancestor", alone(file(allow, only(policy.AccessRead, "/a/b/c/d"))), directory(rename("/a/b", "/x")), "Block a file/(carry-out)"},
		decision{"blocked likewise", alone(file(allow, only(policy.AccessRead, "/{s,t}/**"))), directory(rename("/s", "/t")), "Allow a file/default"},
		decision{"blocked by what is left of patterns", alone(file(allow, only(policy.AccessRead, "/s/{a,b}*"), on("r2", block, "/t/[a-c]*", access(policy.AccessRead)))), directory(rename("/s", "/t")), "Allow a file/default"},
		decision{"all but one name", alone(file(allow, only(policy.AccessRead, "/s/*"), on("r2", block, "/t/{[!a]*,a?*}", access(policy.AccessRead)))), directory(rename("/s", "/t")), "Block a file/(carry-out)"},
		decision{"what no canonical path is", alone(file(allow, only(policy.AccessRead, "/s/*"), on("r2", block, "/t/{[!.]*,.[!.]*,..?*}", access(policy.AccessRead)))), directory(rename("/s", "/t")), "Allow a file/default"},
		decision{"a name is blocked anywhere", alone(process(allow, on("n", block, "", named("nc")))), directory(rename("/s", "/t")), "Allow"},
		decision{"more than a name", alone(process(allow, on("n", block, "", named("x")), on("s", block, "/s/{x,y/z}"))), directory(rename("/s", "/t")), "Block a file/(carry-out)"},
		decision{"a dot among other bytes", alone(file(allow, only(policy.AccessRead, "/s/[.-9]"))), directory(rename("/s", "/t")), "Block a file/(carry-out)"},
		decision{"a loader below", alone(process(allow, on("x", block, "/x"))), directory(rename("/usr/lib/a", "/t")), "Block a file/(carry-out)"},
		decision{"deeper", alone(file(allow, only(policy.AccessRead, "/s/**/k"), on("r2", block, "/t/{k,*/k}", access(policy.AccessRead)))), directory(rename("/s", "/t")), "Block a file/(carry-out)"},
		decision{"the root has nothing below it that moves", alone(file(allow, only(policy.AccessRead, "/s/**"))), directory(rename("/", "/t")), "Allow a file/default"},
	)
	moved := func(s, target policy.Object) policy.Operation {
		return policy.Operation{Kind: policy.OpRename, Object: s, Target: target, Directory: true}
	}
	check(t, "without two paths the plain accesses decide",
		decision{"anonymous source", alone(file(allow, read)), moved(memfd, at("/t")), "Allow"},
		decision{"unresolved target", alone(file(allow, read)), moved(at("/s"), lost), "Block a file/(unresolved)"},
		decision{"unresolved source", alone(file(audit)), moved(lost, at("/t")), "Audit a file/default"},
	)
}
