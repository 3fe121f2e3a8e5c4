// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The numbers and structures of linux/io_uring.h.
const (
	opOpenat, opRenameat, opUnlinkat, opLinkat = 18, 35, 36, 39

	setupPolling    = 1 << 1
	flagWorker      = 1 << 4 // IOSQE_ASYNC
	enterGetEvents  = 1 << 0
	enterWake       = 1 << 1
	offsetSQ        = 0
	offsetCQ        = 0x8000000
	offsetSQEntries = 0x10000000
)

type uringParameters struct {
	sqEntries, cqEntries, flags, _, threadIdle uint32
	_                                          [5]uint32
	sq                                         struct {
		head, tail, ringMask, ringEntries, flags, dropped, array, _ uint32
		_                                                           uint64
	}
	cq struct {
		head, tail, ringMask, ringEntries, overflow, cqes, flags, _ uint32
		_                                                           uint64
	}
}

type uringEntry struct {
	opcode, flags  uint8
	_              uint16
	fd             int32
	off, addr      uint64
	length, opFlag uint32
	_              [4]uint64
}

// submit has the kernel carry out one entry, and returns its result.
func submit(setup uint32, e uringEntry) (int, error) {
	p := uringParameters{flags: setup, threadIdle: 1000}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 8, ptr(&p), 0)
	if errno != 0 {
		return 0, fmt.Errorf("io_uring_setup: %w", errno)
	}
	ring := func(offset int64, size uint32) ([]byte, error) {
		return unix.Mmap(int(fd), offset, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	}
	sq, err := ring(offsetSQ, p.sq.array+p.sqEntries*4)
	if err != nil {
		return 0, err
	}
	cq, err := ring(offsetCQ, p.cq.cqes+p.cqEntries*16)
	if err != nil {
		return 0, err
	}
	entries, err := ring(offsetSQEntries, p.sqEntries*64)
	if err != nil {
		return 0, err
	}
	*(*uringEntry)(unsafe.Pointer(&entries[0])) = e
	at := func(ring []byte, offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&ring[offset])) }
	*at(sq, p.sq.array) = 0
	atomic.StoreUint32(at(sq, p.sq.tail), 1)
	for range 1000 {
		if err := call(unix.SYS_IO_URING_ENTER, fd, 1, 1, enterGetEvents|enterWake, 0); err != nil && err != unix.EINTR {
			return 0, fmt.Errorf("io_uring_enter: %w", err)
		}
		if atomic.LoadUint32(at(cq, p.cq.tail)) > 0 {
			result := *(*int32)(unsafe.Pointer(&cq[p.cq.cqes+8]))
			if result < 0 {
				return 0, fmt.Errorf("io_uring: %w", unix.Errno(-result))
			}
			return int(result), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("io_uring: no result")
}

// rings are the row about io_uring.
var rings = map[string]func() error{
	"16 open":                     func() error { return ringOpen(0, 0) },
	"16 open in a worker":         func() error { return ringOpen(0, flagWorker) },
	"16 open in a polling thread": func() error { return ringOpen(setupPolling, 0) },
	"16 rename": func() error {
		return then(ringPaths(opRenameat, "/secret/key", "/tmp/key"), "/tmp/key")
	},
	"16 unlink": func() error { return changed(ringPaths(opUnlinkat, "/frozen/file", "")) },
	"16 link":   func() error { return then(ringPaths(opLinkat, "/secret/key", "/tmp/key"), "/tmp/key") },
}

func ringOpen(setup uint32, flags uint8) error {
	path := append([]byte("/secret/key"), 0)
	fd, err := submit(setup, uringEntry{opcode: opOpenat, flags: flags, fd: unix.AT_FDCWD, addr: uint64(ptr(&path[0]))})
	if err != nil {
		return err
	}
	return readsFrom(fd)
}

func ringPaths(opcode uint8, from, to string) error {
	source, target := append([]byte(from), 0), append([]byte(to), 0)
	e := uringEntry{opcode: opcode, fd: unix.AT_FDCWD, addr: uint64(ptr(&source[0]))}
	if to != "" {
		e.off = uint64(ptr(&target[0]))
		e.length = unix.AT_FDCWD & 0xffffffff
	}
	_, err := submit(0, e)
	return err
}
