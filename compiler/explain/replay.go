// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/avert-dev/avert/compiler/automata"
	"github.com/avert-dev/avert/compiler/policy"
	"github.com/avert-dev/avert/runtime/event"
)

// Operations returns what an alert is about, as operations: one for each way of
// use. The error says why it cannot be asked again.
//
// Of the lineage an alert knows which patterns matched; paths that match them
// stand for the images.
func Operations(e *event.Event) ([]policy.Operation, error) {
	lineage, err := lineageOf(e)
	if err != nil {
		return nil, err
	}
	op := policy.Operation{Lineage: lineage}
	object := e.Object
	if object == nil {
		object = &event.Object{}
	}
	switch e.Section {
	case "process":
		op.Kind = policy.OpExec
		o, err := objectOf(string(object.Path), string(e.Info))
		op.Images = []policy.Object{o}
		return []policy.Operation{op}, err
	case "file":
		return files(op, e, object)
	case "capabilities":
		op.Kind, op.Capability = policy.OpCapability, string(object.Capability)
		return []policy.Operation{op}, nil
	case "system":
		op.Kind = policy.OpSystem
		i := slices.IndexFunc(policy.SystemOperations[:], func(o policy.SystemOperation) bool { return systemWord(string(e.Operation)) == o.String() })
		if i < 0 {
			return nil, fmt.Errorf("%q is no operation of system", e.Operation)
		}
		op.System = policy.SystemOperations[i]
		return []policy.Operation{op}, nil
	case "network":
		op.Kind = policy.OpNetwork
		// What kernels refuse is what the process itself attempts.
		op.Flow = policy.Flow{Direction: policy.Egress, Family: string(object.Family), Type: string(object.Type), Protocol: strings.ToUpper(string(object.Protocol)), Port: uint16(object.Port)}
		if object.Address != "" {
			if op.Flow.Peer.Addr, err = netip.ParseAddr(string(object.Address)); err != nil {
				return nil, err
			}
		}
		return []policy.Operation{op}, nil
	}
	return nil, fmt.Errorf("alerts of section %q cannot be asked again", e.Section)
}

// systemWord turns the words of AppArmor into those of policies.
func systemWord(word string) string {
	switch {
	case slices.Contains([]string{"umount", "remount", "pivotroot", "move_mount"}, word):
		return policy.Mount.String()
	case word == "userns_create":
		return policy.UserNS.String()
	case strings.HasPrefix(word, "uring_"):
		return policy.IOUring.String()
	}
	return word
}

func files(op policy.Operation, e *event.Event, object *event.Object) ([]policy.Operation, error) {
	o, err := objectOf(string(object.Path), string(e.Info))
	if err != nil {
		return nil, err
	}
	op.Object = o
	if moves := e.Operation == "rename" || e.Operation == "link"; moves && object.Target != "" {
		op.Kind = policy.OpRename
		if e.Operation == "link" {
			op.Kind = policy.OpLink
		}
		op.Target = policy.Object{Path: string(object.Target)}
		return []policy.Operation{op}, nil
	}
	op.Kind = policy.OpFile
	var out []policy.Operation
	for _, n := range policy.AccessNames {
		if slices.Contains(e.Access, n.Name) {
			op.Access = n.Access
			out = append(out, op)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the alert does not say how the file was used")
	}
	return out, nil
}

// objectOf reads an object from its path or, where it has none, from the words
// of runtime/lsm.
func objectOf(path, info string) (policy.Object, error) {
	switch {
	case strings.HasPrefix(path, "/"):
		return policy.Object{Path: path}, nil
	case strings.Contains(info, "the object has no path"):
		return policy.Object{Class: policy.Anonymous}, nil
	case strings.Contains(info, "cannot be known"):
		return policy.Object{Class: policy.Unresolved}, nil
	}
	return policy.Object{}, errors.New("the alert does not name the object")
}

// lineageOf makes up a lineage of which an alert's patterns hold.
func lineageOf(e *event.Event) ([]string, error) {
	if e.Process == nil || e.Process.Lineage == nil {
		return nil, nil
	}
	l := e.Process.Lineage
	var out []string
	for _, list := range l.Ancestor {
		image, err := imageOf([][]event.Text{list})
		if err != nil {
			return nil, err
		}
		out = append(out, image)
	}
	if len(l.Parent) > 0 || len(out) > 0 {
		image, err := imageOf(l.Parent)
		if err != nil {
			return nil, err
		}
		out = append(out, image)
	}
	if len(l.Exe) > 0 || len(out) > 0 {
		image, err := imageOf(l.Exe)
		if err != nil {
			return nil, err
		}
		out = append(out, image)
	}
	return out, nil
}

// imageOf returns a path that matches a pattern of each list.
func imageOf(lists [][]event.Text) (string, error) {
	all := automata.AllPaths()
	for _, list := range lists {
		var globs []*automata.Glob
		for _, p := range list {
			g, err := automata.Parse(string(p))
			if err != nil {
				return "", fmt.Errorf("lineage of the alert: %w", err)
			}
			globs = append(globs, g)
		}
		one, err := automata.FromGlobs(automata.DefaultBudget, globs...)
		if err == nil {
			all, err = all.Intersect(one, automata.DefaultBudget)
		}
		if err != nil {
			return "", fmt.Errorf("lineage of the alert: %w", err)
		}
	}
	if len(lists) == 0 {
		return unknownImage, nil
	}
	path, ok := all.Witness()
	if !ok {
		return "", errors.New("lineage of the alert: no path matches all that it says")
	}
	return path, nil
}

// unknownImage stands for an image of which nothing is known.
const unknownImage = "/unknown"
