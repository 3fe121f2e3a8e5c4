// SPDX-License-Identifier: Apache-2.0

// Package oracle answers, with the engines of the real consumers, what a set of
// emitted network policies does to a connection, an HTTP request or a DNS query.
//
// It is the judge in the tests of the network back-ends, and nothing else: it
// is a module of its own so that the compiler never depends on what it imports.
// It asks
//
//   - Cilium, for CiliumNetworkPolicy and NetworkPolicy: the CRD's schema,
//     Rule.Sanitize, the policy repository, the selector cache, the map state
//     that the BPF programs look up, and the translation for Envoy;
//   - cyclonus, for NetworkPolicy alone.
//
// What runs outside Go (the BPF lookup, Envoy's filter, the DNS proxy's check,
// the ipcache) is restated here in the fewest lines possible, each beside the
// name of the function that it restates. Anything that the oracle does not
// model is an error, never a verdict.
package oracle
