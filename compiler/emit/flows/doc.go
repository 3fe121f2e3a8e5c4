// SPDX-License-Identifier: Apache-2.0

// Package flows is what the back-ends of network plugins share: the rules of
// `network` as sets of flows, the algebra on such sets, and how rules are held.
//
// A plugin adds the allowances of all objects that select a pod. So a plan (see
// Plans) says of each policy which rules, its own and those of others, apply to
// the pods that it selects. It knows no object of Kubernetes: that is what
// back-ends are for.
package flows
