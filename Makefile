# Commands for people and CI; `make` alone lists them. PYTHON selects the interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TARGET ?=
SCENARIO ?= chat_rooms
DRIVER ?= websockets
RULES ?= smoke
ARGS ?=
REINSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .

.DEFAULT_GOAL := help
.PHONY: help install conformance clients matrix load gate study docs test test-all check lint schemas format types imports fast plain clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 16

install: $(STAMP) ## create .venv with everything that the other targets need

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'sockproof needs Python 3.11 or newer: make PYTHON=python3.12'; exit 3; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo 'cannot create a virtual environment; on Debian: apt-get install python3-venv'; exit 3; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

fast: $(STAMP) ## compile the per-message code of load runs; needs a C compiler
	SOCKPROOF_COMPILE=1 $(REINSTALL)

plain: $(STAMP) ## remove what `make fast` compiled
	$(REINSTALL)

conformance: $(STAMP) ## check two bundled servers, or TARGET=ws://… or TARGET=http://…
	$(BIN)/sockproof conformance $(TARGET) $(ARGS)

clients: $(STAMP) ## check a bundled client library, DRIVER=websockets by default
	$(BIN)/sockproof clients --driver $(DRIVER) $(ARGS)

matrix: $(STAMP) ## check all bundled servers, and show the results on one page
	$(BIN)/sockproof matrix $(ARGS)

load: $(STAMP) ## run a short load test; SCENARIO=chat_rooms and a bundled server by default, or TARGET=http://…
	$(BIN)/sockproof load $(SCENARIO) $(TARGET) $(ARGS)

gate: $(STAMP) ## run a short load test and check it against a gate, RULES=smoke by default
	$(BIN)/sockproof load $(SCENARIO) $(TARGET) --rules $(RULES) $(ARGS)

study: $(STAMP) ## test common claims about WebSocket and Socket.IO; ARGS=--quick is short
	$(BIN)/sockproof study $(ARGS)

docs: $(STAMP) ## build the documentation into site/; warnings, e.g. dead links, are errors
	$(BIN)/python -m docs.site.build site
	@echo site/index.html

# Thousands of processes import the same modules: each would compile them anew.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP) ## run the project's tests, with a daily sample of the long ones
	$(BIN)/python -m pytest -q -n 5 --dist worksteal $(ARGS)

test-all: export SOCKPROOF_TEST_ALL = 1
test-all: test ## run all of the project's tests

check: lint types imports test ## run everything that CI runs

lint: $(STAMP) ## check style and format with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

schemas: $(STAMP) ## regenerate the JSON schemas of all formats, and docs/trophies.md
	$(BIN)/python -m sockproof.formats.schema
	$(BIN)/python -m docs.site.trophies

format: $(STAMP) ## format and fix with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP) ## check types with mypy
	$(BIN)/mypy

imports: $(STAMP) ## check the direction of imports
	$(BIN)/lint-imports

clean: ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src -name '*.so' -delete
