// SPDX-License-Identifier: Apache-2.0

// Package audit turns denials that kernels write to their audit log into alerts
// that name policy, rule and place.
//
//	Socket or lines ─▶ Record ─▶ Assembler ─▶ Group ─▶ Explainer ─▶ event.Event
//
// It reads reports of AppArmor (apparmor="DENIED") and SELinux (avc:  denied)
// about labels that a rule table knows; others are none of its business. It
// takes part in no decision, and needs no audit daemon.
//
// Names, paths and arguments in records were chosen by the process that was
// refused. The kernel writes such bytes in hexadecimal where they could pass for
// another field, and the parser takes them for nothing but bytes.
package audit
