// SPDX-License-Identifier: Apache-2.0

package linux

// AddressFamily returns the number of an address family, which is also the
// first argument of socket(2). Names are those of the AF_ constants in lower
// case without the prefix: "inet", "packet", "vsock"; the aliases local, file
// (unix) and route (netlink) are known.
func AddressFamily(name string) (number int, ok bool) { return addressFamilies.number(name) }

// AddressFamilyNames lists the names of all address families in alphabetical
// order, aliases included.
func AddressFamilyNames() []string { return addressFamilies.names() }

// SocketTypeMask selects the type in the second argument of socket(2). Above it
// are the flags SOCK_NONBLOCK and SOCK_CLOEXEC; SOCK_TYPE_MASK in the kernel's
// include/linux/net.h.
const SocketTypeMask = 0xf

// SocketType returns the number of a socket type. Names are those of the SOCK_
// constants in lower case without the prefix: "stream", "dgram", "raw".
func SocketType(name string) (number int, ok bool) { return socketTypes.number(name) }

// SocketTypeNames lists the names of all socket types in alphabetical order.
func SocketTypeNames() []string { return socketTypes.names() }
