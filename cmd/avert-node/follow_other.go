// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"context"
	"errors"

	"github.com/avert-dev/avert/runtime/audit"
)

func (*app) follow(context.Context, *audit.Explainer, options) error {
	return errors.New("what kernels report is read on Linux only; --replay reads a file")
}
