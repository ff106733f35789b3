# The only commands anyone needs; `make` alone prints them.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
INSTALLED := $(VENV)/.installed
PEERS := $(VENV)/peers
WEB := dashboards/web
# Where Python keeps no bytecode, compiling each import anew costs more than the tests themselves.
unit replay test: export PYTHONDONTWRITEBYTECODE :=
# The wheel's npm finds its node on PATH.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(WEB)
# Only tests/integration/test_api_fuzz.py uses the first two, whose imports take a second; no test
# reads the standard library's log, which pytest would record three times a test.
LEAN := -p no:schemathesis -p no:faker -p no:logging
PAGE := consumers/gateway/static/index.html
PAGE_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test up stack down status check lint types imports unit replay web web-check generated faults truth attacks schemathesis audit bench format lock install clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(INSTALLED) $(PAGE) ## three simulated cars on a live pit wall, at the address it prints
	@$(BIN)/pitbox demo

test: check web-check $(PAGE) ## everything: checks, page, unit to faults, with real servers
	$(BIN)/pytest -m "not long" -n logical --maxprocesses 4 --dist worksteal

up: $(INSTALLED) $(PAGE) ## nats-server, Postgres and every service, without cars
	@$(BIN)/pitbox up

stack: $(INSTALLED) ## nats-server and Postgres only (Docker compose where it runs)
	@infra/stack.sh $(BIN)/pitbox

down: $(INSTALLED) ## stop what demo, up or stack runs
	@$(BIN)/pitbox down

status: $(INSTALLED) ## say what runs and where
	@$(BIN)/pitbox status

check: lint types imports ## ruff, mypy --strict, import-linter

lint: $(INSTALLED)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

imports: $(INSTALLED)
	$(BIN)/lint-imports

web: $(PAGE) ## build the page into the gateway

web-check: $(WEB)/node_modules/.package-lock.json ## types and unit tests of the page
	$(NPM) run --silent check
	$(NPM) test --silent

unit: $(INSTALLED) ## the quick tests: unit and contract, with few examples of each property
	$(BIN)/pytest $(LEAN) -m "not thorough" --hypothesis-profile=quick tests/unit tests/contract

replay: $(INSTALLED) ## real recordings in, facts out; PITBOX_DATA names their folder
	$(BIN)/pytest $(LEAN) tests/replay

faults: $(INSTALLED) ## the whole fault matrix; SEED=n repeats one chaos run
	$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(CASE),--case $(CASE)) $(if $(RUNS),--runs $(RUNS))

truth: $(INSTALLED) ## what the coach says against a simulator that knows; SEEDS=a-b drives other stints
	$(BIN)/python -m tests.truth $(if $(SEEDS),--seeds $(SEEDS))

attacks: $(INSTALLED) ## what a driver could try against the hub, and the same where nobody guards it
	$(BIN)/python -m tests.attacks

schemathesis: $(INSTALLED) ## ten thousand requests of every shape; CASES=n sends another number
	CASES=$(or $(CASES),10000) $(BIN)/pytest tests/integration/test_api_fuzz.py

audit: $(INSTALLED) ## ask for known vulnerabilities of all that is pinned; docs/advisories.md
	bash requirements/audit.sh

bench: $(PEERS)/.installed $(PAGE) ## PitBox, its peers and the limit in one run; writes bench.json
	$(BIN)/python -m tests.bench $(PARTS)

generated: $(INSTALLED) ## write again what is made from code: diagram, settings, wire types
	$(BIN)/pitbox streams graph --into README.md
	$(BIN)/pitbox settings --into docs/settings.md
	$(BIN)/pitbox streams typescript --out $(WEB)/src/wire.ts

format: $(INSTALLED) ## format and fix what can be fixed
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lock: $(BIN)/uv ## resolve the pinned requirements again
	bash requirements/lock.sh

install: $(INSTALLED) ## make .venv with everything, pinned by hash

clean: ## forget environment, page and all that was driven
	rm -rf $(VENV) .pitbox consumers/gateway/static $(WEB)/node_modules

$(BIN)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "PitBox needs Python 3.11 or newer: set PYTHON="; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/uv.txt
	@touch $@

$(INSTALLED): requirements/dev.txt pyproject.toml $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(PAGE): $(WEB)/node_modules/.package-lock.json $(PAGE_SOURCES)
	$(NPM) run --silent build
	@touch $@

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json $(INSTALLED)
	$(NPM) ci --silent
	@touch $@

$(PEERS)/.installed: requirements/peers.txt $(INSTALLED)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --require-hashes -r requirements/peers.txt || echo "some peers cannot be installed here; the bench says which"
	@touch $@
