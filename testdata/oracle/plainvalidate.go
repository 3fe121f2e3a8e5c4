// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validatePlain refuses what the API server refuses in a NetworkPolicy (package
// k8s.io/kubernetes/pkg/apis/networking/validation, which is not importable
// without the rest of the server), and policyTypes left to the server's default:
// an emitter says what it means.
func validatePlain(p *networkingv1.NetworkPolicy) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	for _, e := range validation.IsDNS1123Subdomain(p.Name) {
		fail("name: %s", e)
	}
	if len(p.Spec.PolicyTypes) == 0 {
		fail("policyTypes is empty")
	}
	for i, t := range p.Spec.PolicyTypes {
		if t != networkingv1.PolicyTypeIngress && t != networkingv1.PolicyTypeEgress || slices.Contains(p.Spec.PolicyTypes[:i], t) {
			fail("policyTypes: %q is unknown or given twice", t)
		}
	}
	if err := validateSelector(&p.Spec.PodSelector); err != nil {
		fail("podSelector: %w", err)
	}
	rule := func(where string, ports []networkingv1.NetworkPolicyPort, peers []networkingv1.NetworkPolicyPeer) {
		for i, port := range ports {
			if err := validatePort(port); err != nil {
				fail("%s: ports[%d]: %w", where, i, err)
			}
		}
		for i, peer := range peers {
			if err := validatePeer(peer); err != nil {
				fail("%s: peer %d: %w", where, i, err)
			}
		}
	}
	for i, r := range p.Spec.Ingress {
		rule(fmt.Sprintf("ingress[%d]", i), r.Ports, r.From)
	}
	for i, r := range p.Spec.Egress {
		rule(fmt.Sprintf("egress[%d]", i), r.Ports, r.To)
	}
	return errors.Join(errs...)
}

func validateSelector(s *metav1.LabelSelector) error {
	return metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, field.NewPath("selector")).ToAggregate()
}

func validatePort(p networkingv1.NetworkPolicyPort) error {
	if p.Protocol != nil && !slices.Contains([]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}, *p.Protocol) {
		return fmt.Errorf("protocol %q", *p.Protocol)
	}
	if p.Port != nil && p.Port.Type == intstr.Int && len(validation.IsValidPortNum(p.Port.IntValue())) > 0 {
		return fmt.Errorf("port %d", p.Port.IntValue())
	}
	if p.EndPort != nil {
		switch {
		case p.Port == nil || p.Port.Type != intstr.Int:
			return errors.New("endPort without a numeric port")
		case *p.EndPort < p.Port.IntVal || *p.EndPort > 65535:
			return fmt.Errorf("endPort %d", *p.EndPort)
		}
	}
	return nil
}

func validatePeer(p networkingv1.NetworkPolicyPeer) error {
	for _, s := range []*metav1.LabelSelector{p.PodSelector, p.NamespaceSelector} {
		if s != nil {
			if err := validateSelector(s); err != nil {
				return err
			}
		}
	}
	if p.IPBlock == nil {
		if p.PodSelector == nil && p.NamespaceSelector == nil {
			return errors.New("empty")
		}
		return nil
	}
	if p.PodSelector != nil || p.NamespaceSelector != nil {
		return errors.New("ipBlock beside a selector")
	}
	block, err := canonicalPrefix(p.IPBlock.CIDR)
	if err != nil {
		return err
	}
	for _, e := range p.IPBlock.Except {
		except, err := canonicalPrefix(e)
		if err != nil {
			return err
		}
		if except.Bits() <= block.Bits() || !block.Contains(except.Addr()) {
			return fmt.Errorf("except %s is not strictly within %s", except, block)
		}
	}
	return nil
}

// canonicalPrefix refuses host bits, which newer API servers warn about.
func canonicalPrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err == nil && p != p.Masked() {
		err = fmt.Errorf("%s has host bits", s)
	}
	return p, err
}
