# Everything a person does with this repository. `make help` lists it.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
BENCH := $(VENV)/.bench-installed
PEERS := $(VENV)/peers/trackers/.installed $(VENV)/peers/norfair/.installed
WEB := central/web/node_modules/.package-lock.json
FOOTAGE := simulator/scenes/node_modules/.package-lock.json
UV_COMPILE := $(VENV)/bin/uv pip compile pyproject.toml --quiet --generate-hashes --universal --python-version 3.11 \
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --prefix

# Whole shops and killed processes look at the clock and want the machine to themselves.
ALONE := tests/faults tests/privacy/test_p2_a_non_match_leaves_nothing.py tests/integration/test_store_day.py tests/integration/test_central_behaviour_load.py
TWO_WORKERS := $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev models demo test bench lint format schemas lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUNTIME) $(WEB) $(FOOTAGE) models ## Install what a store in a box needs (Python, web assets, model weights)

setup-dev: $(DEV) $(WEB) $(FOOTAGE) models ## Install what the tests need as well

demo: setup ## Start a whole store on this machine and play a day in it (VIDEO=file|rtsp://...|0 replaces the entrance camera)
	@$(PY) -m simulator $(if $(VIDEO),--video "$(VIDEO)")

test: setup-dev ## Lint, then run every test (what CI runs)
	@sh tests/system-packages.sh
	@$(MAKE) --no-print-directory lint
	PYTHONHASHSEED=0 $(TWO_WORKERS) $(foreach path,tests/e2e $(ALONE),--ignore=$(path)) $(PYTEST)
	$(PY) -m pytest $(ALONE) $(PYTEST)
	$(TWO_WORKERS) tests/e2e $(PYTEST)

bench: setup-dev $(BENCH) $(PEERS) ## Measure against a peer and against the limit in one run; writes bench.json
	$(PY) tests/bench/run.py --out bench.json

lint: $(DEV) ## Check style (ruff), types (mypy strict) and import arrows (import-linter)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

format: $(DEV) ## Rewrite the code to the house style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

models: $(RUNTIME) ## Fetch, verify and convert the model weights (does nothing when they are there and intact)
	@$(PY) -m models build

schemas: $(RUNTIME) ## Regenerate the JSON Schemas and the AsyncAPI document from the channel table
	@$(PY) -m contract

lock: $(DEV) ## Resolve dependencies again and pin every wheel with its hash
	@$(VENV)/bin/uv --version >/dev/null 2>&1 || $(PY) -m pip install --quiet uv
	$(UV_COMPILE) --extra edge --extra central --extra simulator -o requirements.lock
	$(UV_COMPILE) --extra edge --extra central --extra simulator --extra dev -o requirements-dev.lock
	$(UV_COMPILE) --extra bench --constraint requirements-dev.lock -o requirements-bench.lock
	$(UV_COMPILE) --extra bench-trackers -o requirements-bench-trackers.lock
	$(UV_COMPILE) --extra bench-norfair -o requirements-bench-norfair.lock

clean: ## Remove what set-up and the demo wrote (weights, environments, runs)
	rm -rf $(VENV) models/weights central/web/node_modules simulator/scenes/node_modules var

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) was found: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock | $(PY)
	@if [ -f $(DEV) ] && [ $(DEV) -nt requirements.lock ]; then :; else \
	  echo "Installing Python packages (about a minute the first time) ..."; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; fi
	@touch $@

$(DEV): requirements-dev.lock | $(PY)
	@echo "Installing Python packages with the test tools (about a minute the first time) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Peers to measure against. Not everywhere is there a wheel of them: the benches then leave them out, and say so.
$(BENCH): requirements-bench.lock $(DEV)
	@echo "Installing what is measured against (about 100 MB the first time) ..."
	@if $(PY) -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
	  -r requirements-bench.lock; then touch $@; \
	  else echo "The peers could not be installed here: their rows are left out"; fi

# Trackers: norfair wants numpy 1, and neither shall reach our own environment. filterpy exists as source only.
$(VENV)/peers/%/.installed: requirements-bench-%.lock | $(PY)
	@echo "Installing $* to measure against (about 120 MB the first time) ..."
	@if $(PY) -m venv $(VENV)/peers/$* && $(VENV)/peers/$*/bin/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --only-binary :all: --no-binary filterpy --require-hashes -r $<; then touch $@; \
	  else echo "$* could not be installed here: its rows are left out"; fi

$(WEB): central/web/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or newer with npm is needed for the pages and the model weights"; exit 1; }
	@echo "Installing web assets ..."
	@$(NPM_CI) central/web
	@touch $@

$(FOOTAGE): simulator/scenes/package-lock.json
	@echo "Installing footage for the store in a box ..."
	@$(NPM_CI) simulator/scenes
	@touch $@
