// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// receiveBuffer holds what arrives while nobody reads: some ten thousand records.
const receiveBuffer = 32 << 20

// Socket reads the kernel's audit log as a member of the multicast group
// AUDIT_NLGRP_READLOG (linux/audit.h). Unlike an audit daemon it takes nothing
// away from other readers, and unlike the kernel's log it gets every record.
type Socket struct {
	fd     int
	buffer [maxRecord]byte
	// overrun: the kernel dropped records since the last one, whose number was
	// serial.
	overrun bool
	serial  uint64
}

// Listen joins the group. It needs CAP_AUDIT_READ, and the network namespace of
// the node: elsewhere no record arrives.
func Listen() (*Socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EAFNOSUPPORT):
		return nil, fmt.Errorf("the kernel has no audit log: it was built without CONFIG_AUDIT or started with audit=0: %w", err)
	case err != nil:
		return nil, fmt.Errorf("cannot open the kernel's audit log: %w", err)
	}
	s := &Socket{fd: fd}
	if err := s.join(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

func (s *Socket) join() error {
	// Beyond net.core.rmem_max only CAP_NET_ADMIN goes; what is granted suffices.
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	err := unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.AUDIT_NLGRP_READLOG - 1)})
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("reading the kernel's audit log needs the capability CAP_AUDIT_READ: %w", err)
	} else if err != nil {
		return fmt.Errorf("cannot join the readers of the kernel's audit log: %w", err)
	}
	return nil
}

// Close ends the membership.
func (s *Socket) Close() error { return unix.Close(s.fd) }

// Errors of Receive.
var (
	// ErrIdle says that no record arrived in time.
	ErrIdle = os.ErrDeadlineExceeded
	// ErrMalformed says that a message was not a record; the next may be.
	ErrMalformed = errRecord
)

// Receive returns the next record, and how many were lost before it: at least
// that many, since the kernel says that it dropped some and not how many.
func (s *Socket) Receive(wait time.Duration) (r Record, lost uint64, err error) {
	for {
		if err := s.poll(wait); err != nil {
			return Record{}, s.missing(s.serial), err
		}
		n, from, err := unix.Recvfrom(s.fd, s.buffer[:], unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.ENOBUFS):
			s.overrun = true
			continue
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return Record{}, 0, fmt.Errorf("cannot read the kernel's audit log: %w", err)
		}
		// Other processes may send to a netlink socket; only the kernel is 0.
		if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
			continue
		}
		if n < unix.NLMSG_HDRLEN {
			return Record{}, 0, fmt.Errorf("%w: a message of %d bytes", ErrMalformed, n)
		}
		kind := binary.NativeEndian.Uint16(s.buffer[4:])
		if r, err = parse(int(kind), string(s.buffer[unix.NLMSG_HDRLEN:n])); err != nil {
			return Record{}, 0, err
		}
		return r, s.missing(r.Serial), nil
	}
}

// missing counts the events between the last record and this one when the
// kernel says that it dropped some.
func (s *Socket) missing(serial uint64) (lost uint64) {
	if s.overrun {
		lost = 1
		if s.serial > 0 && serial > s.serial+1 {
			lost = serial - s.serial - 1
		}
	}
	s.overrun, s.serial = false, max(s.serial, serial)
	return lost
}

// poll waits for something to read.
func (s *Socket) poll(wait time.Duration) error {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(wait/time.Millisecond))
	switch {
	case n == 0 || errors.Is(err, syscall.EINTR):
		return ErrIdle
	case err != nil:
		return fmt.Errorf("cannot wait for the kernel's audit log: %w", err)
	}
	return nil
}
