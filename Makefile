# What people and CI type. `make` alone lists it. PYTHON picks the interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TARGET ?=
SCENARIO ?= chat_rooms
RULES ?= smoke
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install conformance matrix load gate study test test-all check lint schemas format types imports clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 16

install: $(STAMP) ## make .venv with everything that the other targets need

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'sockproof needs Python 3.11 or newer; name one: make PYTHON=python3.12'; exit 3; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo 'no virtual environment can be made; on Debian: apt-get install python3-venv'; exit 3; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

conformance: $(STAMP) ## judge the embedded targets, or TARGET=ws://… or TARGET=http://…
	$(BIN)/sockproof conformance $(TARGET) $(ARGS)

matrix: $(STAMP) ## judge every target whose tools are there, side by side on one page
	$(BIN)/sockproof matrix $(ARGS)

load: $(STAMP) ## a short load run: SCENARIO=echo, TARGET=http://…
	$(BIN)/sockproof load $(SCENARIO) $(TARGET) $(ARGS)

gate: $(STAMP) ## a short load run that has to keep gates/smoke.toml; RULES=…, SCENARIO=…
	$(BIN)/sockproof load $(SCENARIO) $(TARGET) --rules $(RULES) $(ARGS)

study: $(STAMP) ## what is claimed of WebSocket and Socket.IO, measured; ARGS=--quick is short
	$(BIN)/sockproof study $(ARGS)

test: $(STAMP) ## run this project's own tests
	$(BIN)/python -m pytest -q -n 3 --dist worksteal $(ARGS)

test-all: export SOCKPROOF_TEST_ALL = 1
test-all: test ## the tests, with all of what `make test` samples by date

check: lint types imports test ## what CI runs

lint: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

schemas: $(STAMP) ## make the JSON schemas of all formats anew
	$(BIN)/python -m sockproof.formats.schema

format: $(STAMP) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

imports: $(STAMP) ## the direction of imports
	$(BIN)/lint-imports

clean: ## take away .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
