// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"context"
	"errors"

	"github.com/avert-dev/avert/runtime/audit"
)

func (*app) follow(context.Context, *audit.Explainer, string) error {
	return errors.New("the kernel's audit log is read on Linux only; --replay reads a file")
}
