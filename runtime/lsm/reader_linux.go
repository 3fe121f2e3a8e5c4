// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/avert-dev/avert/bpf"
)

// Errors of Receive.
var (
	// ErrIdle says that no record arrived in time.
	ErrIdle = os.ErrDeadlineExceeded
	// ErrMalformed says that what arrived was no record; the next may be.
	ErrMalformed = errors.New("not a record of avert's programs")
)

// Reader takes records out of the programs' ring buffer. There should be one on a
// node: each record goes to one of several.
type Reader struct {
	events   *ringbuf.Reader
	record   ringbuf.Record
	counters *ebpf.Map
	lost     uint64
}

// NewReader reads the maps `events` and `counters` of the programs, which it closes in
// the end.
func NewReader(events, counters *ebpf.Map) (*Reader, error) {
	defer events.Close()
	r, err := ringbuf.NewReader(events)
	if err != nil {
		counters.Close()
		return nil, fmt.Errorf("cannot read the programs' reports: %w", err)
	}
	return &Reader{events: r, counters: counters}, nil
}

// Close ends reading.
func (r *Reader) Close() error { return errors.Join(r.events.Close(), r.counters.Close()) }

// Receive returns the next record.
func (r *Reader) Receive(wait time.Duration) (*Record, error) {
	r.events.SetDeadline(time.Now().Add(wait))
	if err := r.events.ReadInto(&r.record); err != nil {
		return nil, err
	}
	out, err := Decode(r.record.RawSample)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return out, nil
}

// Lost returns how many reports were lost since it was last asked, or at first since
// the programs were loaded.
func (r *Reader) Lost() (uint64, error) {
	var now uint64
	if err := r.counters.Lookup(bpf.Lost, &now); err != nil {
		return 0, err
	}
	n := now - r.lost
	r.lost = now
	return n, nil
}

// SinceBoot returns the time of day of a moment that the kernel counts from boot
// (CLOCK_BOOTTIME). A clock that was set meanwhile shifts both.
func SinceBoot(nanoseconds uint64) time.Time {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return time.Now()
	}
	return time.Now().Add(time.Duration(nanoseconds) - time.Duration(now.Nano()))
}
