module github.com/avert-dev/avert/testdata/floor

go 1.26.0

replace github.com/avert-dev/avert => ../..

require (
	github.com/avert-dev/avert v0.0.0
	github.com/google/go-cmp v0.7.0
	github.com/opencontainers/runtime-spec v1.3.0
	github.com/seccomp/libseccomp-golang v0.11.1
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
	pgregory.net/rapid v1.3.0
)
