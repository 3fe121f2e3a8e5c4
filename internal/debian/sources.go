// SPDX-License-Identifier: Apache-2.0

package debian

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avert-dev/avert/internal/needs"
)

// A source is one entry of apt's lists of sources, in either of its two forms (sources.list(5)).
type source struct {
	suites     []string
	components []string
	// fields holds URIs and what else says how to reach and trust the source, as in the deb822 form, names in lower case.
	fields map[string]string
}

// hostSources reads the sources of the host's apt.
func hostSources() ([]source, error) {
	lists, _ := filepath.Glob("/etc/apt/sources.list.d/*.list") // the pattern is well formed
	stanzas, _ := filepath.Glob("/etc/apt/sources.list.d/*.sources")
	var all []source
	for _, name := range slices.Concat([]string{"/etc/apt/sources.list"}, lists, stanzas) {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		parse := parseList
		if strings.HasSuffix(name, ".sources") {
			parse = parseStanzas
		}
		some, err := parse(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// parseStanzas reads the deb822 form.
func parseStanzas(r io.Reader) ([]source, error) {
	var all []source
	fields, last := map[string]string{}, ""
	end := func() {
		if slices.Contains(strings.Fields(fields["types"]), "deb") && fields["enabled"] != "no" {
			s := source{suites: strings.Fields(fields["suites"]), components: strings.Fields(fields["components"]), fields: fields}
			for _, own := range []string{"types", "suites", "components", "enabled", "architectures"} {
				delete(fields, own)
			}
			all = append(all, s)
		}
		fields, last = map[string]string{}, ""
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		name, value, ok := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			end()
		case line[0] == ' ' || line[0] == '\t': // goes on, as a key that stands in the file does
			fields[last] += "\n" + line
		case ok:
			last = strings.ToLower(strings.TrimSpace(name))
			fields[last] = strings.TrimSpace(value)
		}
	}
	end()
	return all, lines.Err()
}

// parseList reads the form with one line per source: deb [option=value ...] uri suite component...
func parseList(r io.Reader) ([]source, error) {
	var all []source
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !ok || rest == "" || (rest[0] != ' ' && rest[0] != '\t' && rest[0] != '[') {
			continue
		}
		fields := map[string]string{}
		if options, words, ok := strings.Cut(rest, "]"); ok {
			rest = words
			for _, option := range strings.Fields(strings.TrimLeft(options, " \t[")) {
				if name, value, ok := strings.Cut(option, "="); ok && name != "arch" {
					fields[strings.ToLower(name)] = strings.ReplaceAll(value, ",", " ")
				}
			}
		}
		words := strings.Fields(rest)
		if len(words) < 3 {
			continue
		}
		fields["uris"] = words[0]
		all = append(all, source{suites: words[1:2], components: words[2:], fields: fields})
	}
	return all, lines.Err()
}

// sourceOf returns how to reach a suite of Debian in the way in which the host, of the given release, reaches its own.
// The security suites have an archive of their own.
func sourceOf(suite, codename string, host []source) (source, error) {
	security := strings.HasSuffix(suite, "-security")
	var found []source
	for _, s := range host {
		if slices.Contains(s.components, "main") && slices.ContainsFunc(s.suites, func(have string) bool {
			if security {
				return strings.HasSuffix(have, "-security") || strings.HasSuffix(have, "/updates")
			}
			return have == codename || slices.Contains([]string{"stable", "oldstable", "testing", "unstable", "sid"}, have)
		}) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		what := "Debian's own archive"
		if security {
			what = "Debian's security archive"
		}
		return source{}, &needs.Unavailable{Reason: fmt.Sprintf("needs %s among the sources of apt (/etc/apt), to find the suite %s beside the host's own", what, suite)}
	}
	// Others name their suites like Debian's; Debian's own come without a key or with Debian's.
	i := slices.IndexFunc(found, func(s source) bool {
		key := s.fields["signed-by"]
		return key == "" || strings.Contains(key, "debian-archive")
	})
	s := found[max(i, 0)]
	return source{suites: []string{suite}, components: []string{"main"}, fields: s.fields}, nil
}

// String is the source as a stanza in deb822 form.
func (s source) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Types: deb\nSuites: %s\nComponents: %s\n", strings.Join(s.suites, " "), strings.Join(s.components, " "))
	for _, name := range slices.Sorted(maps.Keys(s.fields)) {
		fmt.Fprintf(&b, "%s: %s\n", name, s.fields[name])
	}
	return b.String()
}
