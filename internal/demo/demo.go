// SPDX-License-Identifier: Apache-2.0

// Package demo has what the two sides of the demonstration tell each other. Command cmd shows on a terminal how a node enforces
// the example policy of a checkout service, in a kernel that it boots; command guest is what runs there. It tests nothing but
// that it can be shown.
package demo

import "encoding/json"

// Folders and files of the guest.
const (
	// Cgroup is that of the container.
	Cgroup = "/sys/fs/cgroup/checkout"
	// Image is the image to load.
	Image = "/node/checkout.img"
	// Bundle is the folder of the container for runc.
	Bundle = "/container"
)

// Step is something that the program of the container does.
type Step struct {
	// Title says what, for people.
	Title string
	// Order is "read", "write" or "run", with its arguments: the program takes it when it is told, or as its own arguments.
	Order []string
	// Alerts is the number of alerts to wait for.
	Alerts int
}

// Steps are what is shown. The program stands in for node.js.
var Steps = []Step{
	{"node opens /app/config/settings.yaml to read it", []string{"read", "/app/config/settings.yaml"}, 0},
	{"node opens /etc/passwd to write to it", []string{"write", "/etc/passwd"}, 1},
	{"node executes /bin/sh, as a probe would: echo healthy", []string{"run", "/bin/sh", "-c", "echo healthy"}, 1},
	{"node executes /usr/bin/curl", []string{"run", "/usr/bin/curl", "http://example.com"}, 1},
	{"node executes /bin/sh, which executes node, which opens /app/config/settings.yaml",
		[]string{"run", "/bin/sh", "-c", "/usr/local/bin/node read /app/config/settings.yaml"}, 2},
}

// Outcome is what became of a step.
type Outcome struct {
	// Errno is the error of what was refused, or 0.
	Errno int
	// Output is what a program that was run wrote.
	Output string
	// Alerts are the lines that avert-node wrote meanwhile.
	Alerts []json.RawMessage
}

// Mark begins the line of the guest's output that is the JSON of all outcomes.
const Mark = "avert-demo-outcomes "
