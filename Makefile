# Thin: each target is one or two commands that can also be typed.
#
#   make run      try it: private shards, the proxy, a sample database
#   make build    bin/lockstep
#   make test     all tests, against real servers
#   make lint     gofmt, go vet, golangci-lint
#
# The others: race, bench, crash, fuzz, soak, tools, install-run-deps,
# install-test-deps, install-bench-deps. ARGS go to the program of run
# (make run ARGS="--shards 4 --demo") and to go test otherwise (make test ARGS="-v -run Transfer").

SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: run build test race lint bench crash fuzz soak tools check-go install-run-deps install-test-deps install-bench-deps

GO            ?= go
ARGS          ?=
TEST_TIMEOUT  ?= 20m
FUZZ_TIME     ?= 30s
SOAK_TIME     ?= 10m

GOLANGCI_VERSION := v2.15.0
TOOLS            := $(CURDIR)/.cache/tools/$(GOLANGCI_VERSION)

run: install-run-deps build
	@bin/lockstep dev $(ARGS)

build: check-go
	@$(GO) build -o bin/lockstep ./cmd/lockstep

test: check-go install-test-deps
	$(GO) test -timeout $(TEST_TIMEOUT) ./... $(ARGS)

race: check-go install-test-deps
	$(GO) test -race -timeout $(TEST_TIMEOUT) ./... $(ARGS)

lint: check-go tools
	@scripts/check-format.sh
	$(GO) vet ./...
	$(TOOLS)/golangci-lint run ./...

# Throughput and latency, beside a direct connection and HAProxy.
bench: check-go install-bench-deps
	$(GO) test ./integration -run '^$$' -bench . -timeout 60m $(ARGS)

# Kills proxies and shards at every step of a commit and looks for half-done transactions.
crash: check-go install-test-deps
	scripts/run-selected.sh ./integration Crash -timeout 60m $(ARGS)

# Each fuzz test for FUZZ_TIME.
fuzz: check-go
	scripts/fuzz.sh $(FUZZ_TIME)

# Transfers under random kills for SOAK_TIME.
soak: check-go install-test-deps
	LOCKSTEP_SOAK=$(SOAK_TIME) scripts/run-selected.sh ./integration Soak -timeout 24h $(ARGS)

tools: $(TOOLS)/golangci-lint

# About a minute on two cores, once for each version.
$(TOOLS)/golangci-lint:
	@echo "Building golangci-lint $(GOLANGCI_VERSION); this is done once"
	@GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

check-go:
	@scripts/check-go.sh $(GO)

install-run-deps:
	@scripts/install-deps.sh run

install-test-deps:
	@scripts/install-deps.sh test

install-bench-deps:
	@scripts/install-deps.sh bench
