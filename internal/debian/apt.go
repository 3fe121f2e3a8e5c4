// SPDX-License-Identifier: Apache-2.0

package debian

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/avert-dev/avert/internal/cache"
	"github.com/avert-dev/avert/internal/needs"
)

// lasts is how long the lists of a suite are used before they are fetched again.
const lasts = 24 * time.Hour

// apt is a state of apt for one suite, apart from the host's.
type apt struct {
	suite string
	dir   string
	fresh bool // the lists were fetched just now
}

// open returns the state of a suite with lists that are not old, and the lock that it holds.
func open(ctx context.Context, suite string) (*apt, func(), error) {
	for _, program := range []string{"apt-get", "apt-cache", "apt-config", "dpkg", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, nil, &needs.Unavailable{Reason: "needs the program " + program + " of Debian, to fetch packages"}
		}
	}
	dir, err := cache.Dir("debian", "apt", suite)
	if err != nil {
		return nil, nil, err
	}
	a := &apt{suite: suite, dir: dir}
	unlock, err := cache.Lock(ctx, dir+".lock")
	if err != nil {
		return nil, nil, err
	}
	if err := a.refresh(ctx, lasts); err != nil {
		unlock()
		return nil, nil, err
	}
	return a, unlock, nil
}

// refresh fetches the lists when they are older than age or were fetched from elsewhere.
func (a *apt) refresh(ctx context.Context, age time.Duration) error {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return &needs.Unavailable{Reason: "needs a Debian host, to fetch packages of the suite " + a.suite + " as it fetches its own"}
	}
	var codename string
	for line := range strings.Lines(string(release)) {
		if value, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
			codename = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	host, err := hostSources()
	if err != nil {
		return err
	}
	from, err := sourceOf(a.suite, codename, host)
	if err != nil {
		return err
	}
	sources, stamp := filepath.Join(a.dir, "debian.sources"), filepath.Join(a.dir, "updated")
	known, _ := os.ReadFile(sources) // none yet is as good as another
	same := string(known) == from.String()
	if info, err := os.Stat(stamp); same && err == nil && time.Since(info.ModTime()) < age {
		return nil
	}
	for _, folder := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, folder), 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(sources, []byte(from.String()), 0o600); err != nil {
		return err
	}
	if err := a.configure(ctx); err != nil {
		return err
	}
	if _, err := a.run(ctx, a.dir, "apt-get", "-q", "update"); err != nil {
		if _, old := os.Stat(stamp); same && old == nil && age > 0 && ctx.Err() == nil {
			return nil // with yesterday's lists one can use what the cache has
		}
		return a.unreachable(err)
	}
	a.fresh = true
	return os.WriteFile(stamp, nil, 0o600)
}

// configure writes apt's configuration: how the host reaches its sources (proxies, timeouts), and nothing else of it,
// since hooks would touch the host.
func (a *apt) configure(ctx context.Context) error {
	dump, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return fmt.Errorf("apt-config dump: %w", err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(dump)) {
		if strings.HasPrefix(line, "Acquire::") && !strings.HasPrefix(line, "Acquire::IndexTargets") &&
			!strings.HasPrefix(line, "Acquire::Languages") && !strings.HasPrefix(line, "Acquire::GzipIndexes") {
			b.WriteString(line)
		}
	}
	fmt.Fprintf(&b, `Acquire::Languages "none";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "%[1]s/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State "%[1]s";
Dir::State::status "/dev/null";
Dir::Cache "%[1]s/cache";
`, a.dir)
	return os.WriteFile(filepath.Join(a.dir, "apt.conf"), []byte(b.String()), 0o600)
}

// unreachable says why the lists could not be fetched.
func (a *apt) unreachable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if strings.Contains(err.Error(), "does not have a Release file") || strings.Contains(err.Error(), "no longer has a Release file") {
		return &needs.Unavailable{Reason: fmt.Sprintf("the suite %s is not where this host's sources have Debian: old suites move to Debian's archive of old releases, and new ones reach mirrors late; apt says: %v", a.suite, err)}
	}
	return &needs.Unavailable{Reason: fmt.Sprintf("the lists of the suite %s cannot be fetched; is there a network? apt says: %v", a.suite, err)}
}

// run runs a program of apt on this state. The error holds what it printed.
func (a *apt) run(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s %s: %w: %s", program, args[len(args)-1], err, strings.TrimSpace(problems.String()))
	}
	return out.Bytes(), nil
}

// stanzas reads the records of a control file; only first lines of fields are kept.
func stanzas(data []byte) ([]map[string]string, error) {
	var all []map[string]string
	var record map[string]string
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), ":")
		switch {
		case lines.Text() == "":
			record = nil
		case ok && name[0] != ' ':
			if record == nil {
				record = map[string]string{}
				all = append(all, record)
			}
			record[name] = strings.TrimSpace(value)
		}
	}
	return all, lines.Err()
}
