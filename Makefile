# Thin: each target is one or two commands that can also be typed.
#
#   make run      try it: private shards, the proxy, a sample database
#   make build    bin/lockstep
#   make test     all tests, against real servers
#   make lint     gofmt, go vet, golangci-lint
#   make apps     real web applications, clicked through on three shards
#   make mysql    gets a MySQL server for "dev --engine mysql" and the tests; MariaDB is the default
#
# The others: race, sim, bench, crash, matrix, flood, fuzz, limits, soak, frozen, deadlocks, differential, tpch, tpcc, merging,
# tools, install-run-deps, install-test-deps, install-bench-deps. ARGS go to the program of run
# (make run ARGS="--shards 4 --demo") and to go test otherwise (make test ARGS="-v -run Transfer").

SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: run build test race lint sim apps mysql bench crash matrix flood fuzz limits soak frozen deadlocks differential tpch tpcc merging tools check-go install-run-deps install-test-deps install-bench-deps

GO            ?= go
ARGS          ?=
TEST_TIMEOUT  ?= 20m
FUZZ_TIME     ?= 30s
FLOOD         ?= 10000
CRASH_TIME    ?= 30m
CRASH_SEED    ?=
CRASH_CONFIG  ?=
SOAK_TIME     ?= 8h
FROZEN_ROUNDS ?= 1000
DEADLOCK_TIME ?= 1h
BENCH_ROUNDS  ?= 5
TPCC_TIME     ?= 10m
MERGE_ROWS    ?= 5000000
DIFF_SEEDS    ?= 11 12 13
DIFF_STATEMENTS ?= 20000
# What runs once more on MySQL shards; the tests of commits choose their engines themselves.
MYSQL_TESTS   ?= ./integration/session ./integration/differential ./integration/drivers ./integration/sysbench ./integration/transcript ./integration/types ./integration/merging ./integration/introspection
SEEDS         ?= 100000
SEED_START    ?= 1

GOLANGCI_VERSION := v2.15.0
TOOLS            := $(CURDIR)/.cache/tools/$(GOLANGCI_VERSION)

run: install-run-deps build
	@bin/lockstep dev $(ARGS)

build: check-go
	@$(GO) build -o bin/lockstep ./cmd/lockstep

test: check-go install-test-deps
	$(GO) test -timeout $(TEST_TIMEOUT) ./... $(ARGS)
	LOCKSTEP_TEST_ENGINE=mysql $(GO) test -timeout $(TEST_TIMEOUT) $(MYSQL_TESTS) $(ARGS)

race: check-go install-test-deps
	$(GO) test -race -timeout $(TEST_TIMEOUT) ./... $(ARGS)

lint: check-go tools
	@scripts/check-format.sh
	$(GO) vet ./...
	$(TOOLS)/golangci-lint run ./...

# Throughput and processor time, beside a direct connection, HAProxy, and a client
# that drives XA itself: some minutes, on a machine that does nothing else.
bench: check-go install-bench-deps
	LOCKSTEP_BENCH=$(BENCH_ROUNDS) scripts/run-selected.sh ./integration/bench TestBench -v -timeout 2h $(ARGS)

# Breaks whole clusters under load for CRASH_TIME and checks what clients saw: both server families, both commit
# modes, one to three proxies. CRASH_SEED repeats a run's faults; CRASH_CONFIG chooses one cluster, e.g. mysql/3pc/2/binlog.
CRASH = LOCKSTEP_CRASH_SEED=$(CRASH_SEED) LOCKSTEP_CRASH_CONFIG=$(CRASH_CONFIG) scripts/run-selected.sh ./integration/chaos '^TestCrash$$' -v -timeout 0
crash: check-go install-test-deps
	LOCKSTEP_CRASH_TIME=$(CRASH_TIME) $(CRASH) $(ARGS)

# A kill at each step of a commit, of each process, on both engines, with and without binary log, in both modes.
matrix: check-go install-test-deps
	LOCKSTEP_MATRIX=full scripts/run-selected.sh ./integration/commit CrashAtEachStep -v -timeout 2h $(ARGS)

# Starts of a proxy that find FLOOD prepared branches, on both engines, in both modes.
flood: check-go install-test-deps
	LOCKSTEP_FLOOD=$(FLOOD) scripts/run-selected.sh ./integration/commit Flood -v -timeout 1h $(ARGS)

# The coordinator in a simulated world, one history for each seed from SEED_START on; the last
# line says how many passed. A failed one is told with the command that repeats it. Five classic mistakes,
# put in to see whether they are found: LOCKSTEP_SIM_MISTAKES=1 go test ./coordinator/sim -run Mistakes -v
sim: check-go
	@mkdir -p .cache
	@$(GO) test -c -o .cache/sim.test ./coordinator/sim
	@cd coordinator/sim && GOGC=400 $(CURDIR)/.cache/sim.test -test.run '^TestSim$$' -test.v -test.timeout 0 -sim.seeds $(SEEDS) -sim.start $(SEED_START) $(ARGS)

# Each fuzz test for FUZZ_TIME.
fuzz: check-go
	scripts/fuzz.sh $(FUZZ_TIME)

# What answers over several shards cost beside their parts, and the proxy's memory while it merges MERGE_ROWS rows.
merging: check-go install-test-deps
	LOCKSTEP_MERGE_COSTS=1 LOCKSTEP_MERGE_ROWS=$(MERGE_ROWS) scripts/run-selected.sh ./integration/merging 'TestCosts|TestMemory' -v -timeout 1h $(ARGS)

# Thousands of clients, idle and active, a slow reader of 2 GiB, 100,000 strings of nonsense: what they cost is told.
limits: check-go install-test-deps
	LOCKSTEP_LIMITS=full scripts/run-selected.sh ./integration/limits Test -v -timeout 1h $(ARGS)

# make crash for a night.
soak: check-go install-test-deps
	LOCKSTEP_CRASH_TIME=$(SOAK_TIME) $(CRASH) $(ARGS)

# A proxy is frozen in the middle of commits, FROZEN_ROUNDS times, another one ends what it had begun, and it wakes up late.
frozen: check-go install-test-deps
	LOCKSTEP_FROZEN_ROUNDS=$(FROZEN_ROUNDS) scripts/run-selected.sh ./integration/threephase Frozen -v -timeout 0 $(ARGS)

# WordPress and Adminer, from Debian's packages, and Django's admin: set up and clicked through on a proxy with three
# shards and on a plain server side by side, and every page compared.
apps: check-go install-test-deps
	LOCKSTEP_APPS=1 scripts/run-selected.sh ./integration/apps Test -v -timeout 20m $(ARGS)

# A minute once, for Debian's packages, unpacked below .cache; nothing is installed.
mysql:
	@scripts/install-mysql.sh

# A hundred deadlocks over several shards, timed, and DEADLOCK_TIME of load that waits all the time
# and never is in a deadlock.
deadlocks: check-go install-test-deps
	LOCKSTEP_DEADLOCK_RUNS=100 LOCKSTEP_DEADLOCK_SOAK=$(DEADLOCK_TIME) scripts/run-selected.sh ./integration/deadlock Test -v -timeout 0 $(ARGS)

# DIFF_STATEMENTS random statements for each of DIFF_SEEDS, on clusters of 1, 2, 3 and 7 shards, compared with one server.
differential: check-go install-test-deps
	for seed in $(DIFF_SEEDS); do \
	  LOCKSTEP_DIFF_SEED=$$seed LOCKSTEP_DIFF_STATEMENTS=$(DIFF_STATEMENTS) scripts/run-selected.sh ./integration/differential TestRandom -v -timeout 2h $(ARGS) || exit 1; \
	done

# Ten minutes of TPC-C's transactions over ten warehouses of full size, with a kill of the proxy in the midst.
tpcc: check-go install-test-deps
	LOCKSTEP_TPCC_SCALE=full LOCKSTEP_TPCC_WAREHOUSES=10 LOCKSTEP_TPCC_THREADS=16 LOCKSTEP_TPCC_TIME=$(TPCC_TIME) \
	  scripts/run-selected.sh ./integration/tpcc Transactions -v -timeout 2h $(ARGS)

# The 22 queries of TPC-H: their answers, ways and times beside a plain server's.
tpch: check-go install-test-deps
	scripts/run-selected.sh ./integration/tpch Queries -v $(ARGS)

tools: $(TOOLS)/golangci-lint

# About a minute on two cores, once for each version.
$(TOOLS)/golangci-lint:
	@echo "Building golangci-lint $(GOLANGCI_VERSION); this is done once"
	@GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

check-go:
	@scripts/check-go.sh $(GO)

install-run-deps:
	@scripts/install-deps.sh run

install-test-deps: mysql
	@scripts/install-deps.sh test
	@scripts/install-node-packages.sh
	@scripts/install-apps.sh

install-bench-deps:
	@scripts/install-deps.sh bench
