# Portico. `make` alone prints the menu below; nothing is needed but Python 3.11+, gcc, make and git.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
# Tests that need processes of their own share two cores well enough.
TEST_PROCESSES ?= 2
T ?= tests
N ?= 1000
KILLS ?= 100
SEED ?= 1
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
NOT_INSTALLED := The pinned packages could not be installed, nothing was started: see the line above, \
  check the network (or pip's index settings) and the free space, and start again.

.DEFAULT_GOAL := help
.PHONY: help run test demo bench chaos model faults check screenshots format pins clean chromium

help: ## print this menu
	@echo "Portico: one signal, one order on every eligible account, exactly once."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runs ## start everything with the demo, and print where to log in (PORT=8080 for another port)
	@exec $(BIN)/portal up --demo --port $(PORT)

test: $(VENV)/.tests chromium ## run the whole suite (T=tests/trading for a part of it)
	@exec $(BIN)/python -m pytest -n $(TEST_PROCESSES) $(T)

demo: $(VENV)/.runs ## tell the whole story in the terminal, from a signal to closed positions
	@exec $(BIN)/portal demo

bench: $(VENV)/.tests ## measure fan-out, latency and the monitor, each beside its baseline
	@exec $(BIN)/python -m bench

chaos: N = 60
chaos: $(VENV)/.tests ## kill everything at random, then count at the exchange (KILLS=100, N=60 accounts, SEED=1)
	@exec $(BIN)/python -m bench chaos --accounts $(N) --kills $(KILLS) --seed $(SEED)

model: N = 1000000
model: SEED =
model: $(VENV)/.tests ## try the order protocol against everything a venue may do (N=1000000, SEED= a fresh one)
	@exec $(BIN)/python -m tests.model --trials $(N) $(if $(SEED),--seed $(SEED)) --processes $(TEST_PROCESSES)

faults: $(VENV)/.tests ## strike with the faults that are counted as often as docs/faults.md says (half an hour)
	@PORTICO_FULL_FAULTS=1 exec $(BIN)/python -m pytest -q tests/faults -k "f09 or f23 or f58"

check: $(VENV)/.tests ## lint, types and architecture: what must hold before a commit
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_docs.py

screenshots: $(VENV)/.tests chromium ## take a picture of every page into screenshots/: wide, phone, light, dark
	@exec $(BIN)/python -m tests.e2e.screenshots screenshots

format: $(VENV)/.tests ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

pins: $(VENV)/.tests ## resolve requirements*.in to the newest exact versions with hashes
	@for set in requirements requirements-dev; do \
	  sources=requirements.in; test $$set = requirements || sources="requirements.in requirements-dev.in"; \
	  $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	    --output-file $$set.txt $$sources && sed -i '/^--/d' $$set.txt || exit 1; \
	done

clean: ## remove the virtual environment and caches; data in var/ stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis portico.egg-info build

# The two stamps are newer than the pins they were made from, so a second run goes straight on.
$(VENV)/.runs: requirements.txt requirements.in pyproject.toml | $(VENV)/bin/python
	@echo "Installing the pinned packages into $(VENV) (the first time this takes a minute or two) …"
	@$(PIP) --require-hashes -r requirements.txt || { echo "$(NOT_INSTALLED)"; exit 1; }
	@$(PIP) --no-deps --no-build-isolation --editable . || { echo "$(NOT_INSTALLED)"; exit 1; }
	@touch $@

$(VENV)/.tests: requirements-dev.txt requirements-dev.in $(VENV)/.runs
	@echo "Installing the test tools …"
	@$(PIP) --require-hashes -r requirements-dev.txt || { echo "$(NOT_INSTALLED)"; exit 1; }
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Portico needs Python 3.11 or newer and '$(PYTHON)' is not: make PYTHON=/path/to/python3.11 run"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python has no venv module: install it (Debian: apt-get install python3-venv) and start again."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing chromium for the browser tests …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	else \
	  echo "The browser tests need chromium: install it with your package manager and start again."; exit 1; \
	fi
