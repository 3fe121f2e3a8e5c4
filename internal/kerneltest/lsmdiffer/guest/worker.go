// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// worker is the socket of a stack of processes that run the worker, of which the last one answers.
type worker struct {
	pid, socket int
	// base is where the bytes of a message come to lie.
	base int64
}

// received is the number of a descriptor that comes with a message.
const received = 4

// startWorker starts a process that runs the worker, in the node's namespaces.
func startWorker() (*worker, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// A process that is stuck must not keep the guest until its end.
	if err := unix.SetsockoptTimeval(ends[0], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20}); err != nil {
		return nil, err
	}
	socket := os.NewFile(uintptr(ends[1]), "socket")
	p, err := os.StartProcess(workerProgram, []string{workerProgram}, &os.ProcAttr{
		Env: []string{}, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, socket},
	})
	if err != nil {
		return nil, err
	}
	w := &worker{pid: p.Pid, socket: ends[0]}
	return w, errors.Join(socket.Close(), w.hello())
}

// hello receives what a new image says.
func (w *worker) hello() (err error) {
	w.base, err = w.receive()
	return err
}

func (w *worker) receive() (int64, error) {
	var b [8]byte
	// Raw, since for others the runtime wakes a thread whenever an answer takes a moment.
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(w.socket), uintptr(unsafe.Pointer(&b)), uintptr(len(b)))
	switch {
	case errno == unix.EINTR:
		return w.receive()
	case errno != 0:
		return 0, fmt.Errorf("the worker does not answer: %w", errno)
	case n != uintptr(len(b)):
		return 0, errors.New("the worker is gone")
	}
	return int64(binary.LittleEndian.Uint64(b[:])), nil
}

// send has the worker make a system call. Arguments are integers, or strings and bytes, of which it gets the address;
// strings end with NUL. fd goes along unless it is negative.
func (w *worker) send(fd int, number int, arguments ...any) error {
	message := make([]byte, 56)
	put := func(i int, v int64) { binary.LittleEndian.PutUint64(message[8*i:], uint64(v)) }
	put(0, int64(number))
	for i, a := range arguments {
		var data []byte
		switch a := a.(type) {
		case int:
			put(1+i, int64(a))
			continue
		case int64:
			put(1+i, a)
			continue
		case string:
			data = append([]byte(a), 0)
		case []byte:
			data = a
		}
		for len(message)%8 != 0 {
			message = append(message, 0)
		}
		put(1+i, w.base+int64(len(message)-56))
		message = append(message, data...)
	}
	if fd >= 0 {
		return unix.Sendmsg(w.socket, message, unix.UnixRights(fd), nil, 0)
	}
	// Raw, as in receive.
	if _, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(w.socket), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message))); errno != 0 {
		return errno
	}
	return nil
}

// call makes a system call and returns its result, which is an error number when it is negative.
func (w *worker) call(number int, arguments ...any) (int64, error) {
	return w.callWith(-1, number, arguments...)
}

func (w *worker) callWith(fd, number int, arguments ...any) (int64, error) {
	if err := w.send(fd, number, arguments...); err != nil {
		return 0, err
	}
	return w.receive()
}

// must makes a system call that has to succeed.
func (w *worker) must(number int, arguments ...any) (int64, error) {
	r, err := w.call(number, arguments...)
	if err == nil && r < 0 && r > -4096 {
		err = fmt.Errorf("system call %d %q: %w", number, arguments, unix.Errno(-r))
	}
	return r, err
}
