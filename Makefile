# The only commands anyone needs; `make` alone prints them.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install check lint types imports test unit demo format lock clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

install: $(STAMP) ## make .venv with everything, pinned by hash

$(VENV)/bin/uv:
	@command -v $(PYTHON) >/dev/null || { echo "PitBox needs Python 3.11 or newer: install it or set PYTHON="; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/uv.txt

$(STAMP): requirements/dev.txt pyproject.toml $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

lock: ## resolve the pinned requirements again
	bash requirements/lock.sh

check: lint types imports ## ruff, mypy --strict, import-linter

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

format: $(STAMP) ## format and fix what can be fixed
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

unit: $(STAMP) ## the quick tests: unit, contract, replay
	$(BIN)/pytest tests/unit tests/contract tests/replay
