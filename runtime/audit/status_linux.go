// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Status is what the kernel says of its audit log (struct audit_status in
// linux/audit.h).
type Status struct {
	// BacklogLimit is how many records wait for readers. Beyond it the kernel
	// drops those of security modules at once (audit_log_start in kernel/audit.c).
	BacklogLimit uint32
	// Lost is how many it has dropped since it started.
	Lost uint32
}

// auditGet asks for the status (AUDIT_GET).
const auditGet = 1000

// ReadStatus asks the kernel. It needs CAP_AUDIT_CONTROL.
func ReadStatus() (Status, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return Status{}, fmt.Errorf("cannot ask for the state of the kernel's audit log: %w", err)
	}
	defer unix.Close(fd)
	s, err := readStatus(fd)
	if errors.Is(err, unix.EPERM) {
		return s, fmt.Errorf("counting what the kernel drops needs the capability CAP_AUDIT_CONTROL: %w", err)
	} else if err != nil {
		return s, fmt.Errorf("cannot ask for the state of the kernel's audit log: %w", err)
	}
	return s, nil
}

func readStatus(fd int) (Status, error) {
	// The answer comes at once or not at all.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return Status{}, err
	}
	request := make([]byte, unix.NLMSG_HDRLEN)
	binary.NativeEndian.PutUint32(request, unix.NLMSG_HDRLEN)
	binary.NativeEndian.PutUint16(request[4:], auditGet)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return Status{}, err
	}
	answer := make([]byte, 256)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return Status{}, err
	}
	answer = answer[:n]
	if n < unix.NLMSG_HDRLEN+4 {
		return Status{}, fmt.Errorf("an answer of %d bytes", n)
	}
	body := answer[unix.NLMSG_HDRLEN:]
	switch kind := binary.NativeEndian.Uint16(answer[4:]); {
	case kind == unix.NLMSG_ERROR:
		return Status{}, unix.Errno(-int32(binary.NativeEndian.Uint32(body)))
	case kind != auditGet || len(body) < 28:
		return Status{}, fmt.Errorf("an answer of type %d with %d bytes", kind, len(body))
	}
	// mask, enabled, failure, pid, rate_limit, backlog_limit, lost, ...
	return Status{BacklogLimit: binary.NativeEndian.Uint32(body[20:]), Lost: binary.NativeEndian.Uint32(body[24:])}, nil
}
