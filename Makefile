# SPDX-License-Identifier: Apache-2.0
# Every command that a developer or CI needs. `make help` lists them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The pinned tools: module path of the command and version. This is the only place that names a version.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
KUSTOMIZE   := sigs.k8s.io/kustomize/kustomize/v5@v5.8.2
KUBECONFORM := github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
OPA         := github.com/open-policy-agent/opa@v1.22.2
CONFTEST    := github.com/open-policy-agent/conftest@v0.71.1

# What the tests use of the distribution: package:program or package:file.
APT := runc:runc busybox-static:busybox gcc:gcc libc6-dev:/usr/include/stdio.h libseccomp-dev:/usr/include/seccomp.h \
  linux-libc-dev:/usr/include/asm-generic/unistd.h qemu-user-static:qemu-aarch64-static \
  qemu-system-x86:qemu-system-x86_64 xz-utils:xz zstd:zstd apparmor:apparmor_parser secilc:secilc clang-14:clang-14 llvm-14:llvm-strip-14 \
  libbpf-dev:/usr/include/bpf/bpf_helpers.h pre-commit:pre-commit

# Modules for tests only, kept apart so that their dependencies never reach the command.
NESTED := $(patsubst %/go.mod,%,$(wildcard testdata/oracle/go.mod testdata/floor/go.mod testdata/kubernetes/gen/go.mod testdata/sarif/go.mod))
MODULES := . $(NESTED)

PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
NODE_ARCHES := amd64 arm64

# How long each fuzz target runs; `make test` shortens it.
FUZZTIME ?= 10m

# How many rounds `make soak` takes, of 2,000 operations on each kernel and 500 policies beside them.
AVERT_SOAK ?= 10

export PATH := $(CURDIR)/.tools/bin:$(PATH)
GOTEST := go test -vet=off -p 2 -timeout 30m

# $(call each-module,COMMAND) runs COMMAND in every module.
each-module = for module in $(MODULES); do (cd "$$module" && $(1)); done

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build bin/avert and bin/avert-node
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/avert ./cmd/avert-node

.PHONY: demo
demo: build ## Compile the checkout example; print the tree and the report
	bin/avert compile examples/checkout -o out/checkout
	@echo
	@find out/checkout -type f | LC_ALL=C sort
	@echo
	@cat out/checkout/report.md

.PHONY: demo-node
demo-node: packages ## Boot a kernel with the checkout example in force; print what its container attempts, and the alerts
	@go run ./internal/demo/cmd

.PHONY: test
test: packages .tools/kustomize .tools/kubeconform lint ## Set up what the tests need, lint, run every test, fuzz for 10 s a target
	$(call each-module,$(GOTEST) ./...)
	.ci/fuzz 10s

.PHONY: lint
lint: .tools/staticcheck .tools/opa ## gofmt, go vet and staticcheck over every module; opa fmt, check and test over rego
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); \
	  if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:" >&2; echo "$$unformatted" >&2; exit 1; fi
	$(call each-module,go vet -tags guest ./... && staticcheck -tags guest ./...)
	opa fmt --fail --list rego && opa check --strict rego && opa test rego

.PHONY: generate
generate: ## Regenerate what is generated from the code, and the Kubernetes schemas of the tests
	$(call each-module,go generate ./...)

.PHONY: bench
bench: packages .tools/conftest ## Run the benchmarks: the compiler, lint beside conftest, and in kernels the instructions that policies cost
	go test -vet=off -p 1 -timeout 0 -run '^$$' -bench . -benchmem ./...

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME (10m)
	.ci/fuzz $(FUZZTIME)

.PHONY: soak
soak: packages ## Compare random policies with apparmor_parser's profiles and with each kernel, AVERT_SOAK (10) rounds
	go test -vet=off -count=1 -timeout 0 ./internal/differ -run '^TestModel$$' -v -rapid.checks $$(($(AVERT_SOAK) * 500))
	AVERT_SOAK=$(AVERT_SOAK) go test -vet=off -count=1 -timeout 0 ./internal/kerneltest -run '^TestDiffer$$' -v

.PHONY: vm
vm: ## Run CMD='...', or a shell, on a kernel of the tests: KERNEL=6.12 LSM=selinux
	@go build -o bin/avert-vm ./internal/vm/cmd
	@bin/avert-vm $(if $(KERNEL),-kernel '$(KERNEL)') $(if $(LSM),-lsm '$(LSM)') $(if $(CMD),-- sh -c "$$CMD")

.PHONY: dist
dist: ## Build static binaries for every platform, with SHA256SUMS, into dist/
	rm -rf dist
	@for platform in $(PLATFORMS); do \
	  CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} \
	    go build -trimpath -ldflags '-s -w' -o "dist/avert-$${platform/\//-}" ./cmd/avert; \
	done
	@for arch in $(NODE_ARCHES); do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -ldflags '-s -w' -o "dist/avert-node-linux-$$arch" ./cmd/avert-node; \
	done
	@cd dist && sha256sum avert-* > SHA256SUMS && cat SHA256SUMS

.PHONY: vuln
vuln: .tools/govulncheck ## Look for known vulnerabilities in what the code calls
	@status=0; output=$$(govulncheck ./... 2>&1) || status=$$?; echo "$$output"; \
	  if [ $$status -ne 0 ] && grep -q 'fetching vulnerabilities' <<< "$$output"; then \
	    echo "the vulnerability database cannot be reached from here: nothing was checked"; exit 0; fi; exit $$status

.PHONY: clean
clean: ## Remove everything that this Makefile made
	rm -rf bin dist out .tools

# The tests' distribution packages. Without root the tests that need them skip and say so.
.PHONY: packages
packages:
	@missing=(); for entry in $(APT); do command -v "$${entry#*:}" > /dev/null || [ -e "$${entry#*:}" ] || missing+=("$${entry%:*}"); done; \
	  if [ $${#missing[@]} -eq 0 ]; then exit 0; fi; \
	  if [ "$$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then \
	    echo "not installed: $${missing[*]}; the tests that need them will skip"; exit 0; fi; \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$${missing[@]}"

# One stamp per tool. The Makefile is a prerequisite, so that a new version is built.
define tool
.tools/$(1): Makefile
	GOBIN=$(CURDIR)/.tools/bin go install $(2)
	@touch $$@
endef
$(eval $(call tool,staticcheck,$(STATICCHECK)))
$(eval $(call tool,kustomize,$(KUSTOMIZE)))
$(eval $(call tool,kubeconform,$(KUBECONFORM)))
$(eval $(call tool,govulncheck,$(GOVULNCHECK)))
$(eval $(call tool,opa,$(OPA)))
$(eval $(call tool,conftest,$(CONFTEST)))
