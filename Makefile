# Everything that can be done with the stack; `make help` lists it.
# PORT_OFFSET STATE_DIR ENGINE BIND_ADDRESS OBSERVABILITY_CONFIG reach the commands from the environment or from
# the command line alike: `make up PORT_OFFSET=10000 STATE_DIR=.stack2`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV_VERSION := $(shell sed -n 's/^UV_VERSION=//p' .env)
BIN := .venv/bin
UV := $(BIN)/uv
NATIVE := $(BIN)/python -m native
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--no-annotate --prerelease=if-necessary-or-explicit --quiet

.PHONY: up
up: .venv/.stack  ## bring the stack up and wait until it is healthy (again: same, at once)
	@$(NATIVE) up

.PHONY: down
down: .venv/.stack  ## stop it; the data stay
	@$(NATIVE) down

.PHONY: status
status: .venv/.stack  ## state, URL, version, memory and log of every component
	@$(NATIVE) status

.PHONY: logs
logs: .venv/.stack  ## last lines of the logs; COMPONENT=loki for one, FOLLOW=1 to stay
	@$(NATIVE) logs $(if $(FOLLOW),-f) $(COMPONENT)

.PHONY: demo
demo: .venv/.stack  ## run an instrumented LLM app against the stack; DEMO_SECONDS=60 ends it
	@$(BIN)/python -m demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

.PHONY: preview
preview: .venv/.stack  ## draw the generated dashboards from the running stack, in the foreground; PREVIEW_PORT=3002
	@$(NATIVE) preview

.PHONY: generate
generate: .venv/.stack  ## write rules, notification routes and dashboards anew from observability.yml
	@$(BIN)/python -m alerts.generate
	@$(BIN)/python -m dashboards_src.generate
	@$(BIN)/python -m observability.reference

.PHONY: check
check: .venv/.dev  ## lint, format, types, and that every generated file is up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m alerts.generate --check
	$(BIN)/python -m dashboards_src.generate --check
	$(BIN)/python -m observability.reference --check
	$(BIN)/python -m tests.captures.conformance --check

.PHONY: test
test: check chromium  ## every check and test, against the real components (builds them first)
	$(NATIVE) build --all
	$(BIN)/python -m pytest

.PHONY: bench
bench: .venv/.dev  ## measure, print a table and write bench/results.json
	$(BIN)/python -m bench

.PHONY: bench-drift
bench-drift: .venv/.dev  ## false alarms and delays of drift detectors, ours and others': bench/drift.json and docs/drift-benchmark.md
	$(BIN)/python -m bench.alarms

.PHONY: lock
lock: .venv/.dev  ## pin the newest dependencies that pyproject.toml allows
	$(COMPILE) --upgrade --extra server --extra dashboards --extra native --extra demo --extra test pyproject.toml -o requirements/dev.lock
	$(COMPILE) --extra server --extra postgres --extra text --extra dashboards --extra native --extra demo -c requirements/dev.lock pyproject.toml -o requirements/stack.lock
	$(COMPILE) --extra server --extra postgres -c requirements/dev.lock pyproject.toml -o requirements/server.lock
	$(COMPILE) --upgrade requirements/phoenix.in -o requirements/phoenix.lock

.PHONY: clean
clean:  ## remove .venv and tool caches; the stack's data and the built binaries stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- the Python environment ------------------------------------------------------------------------------------

.venv/.python:
	@for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		echo "Python 3.11 or newer is needed, and none was found (python3 is $$(python3 --version 2>&1 || true))." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; \
	fi; \
	echo "making .venv with $$("$$found" --version)"; \
	"$$found" -m venv --clear .venv || { echo "python -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	touch $@

.venv/.stack: .venv/.python requirements/stack.lock pyproject.toml
	@echo "installing requirements/stack.lock"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/stack.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

.venv/.dev: .venv/.python requirements/dev.lock pyproject.toml
	@echo "installing requirements/dev.lock"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch .venv/.stack $@

# The browser tests drive Chromium. Where it can be installed it is; elsewhere they are skipped and say why.
.PHONY: chromium
chromium:
	@if ! command -v chromium chromium-browser google-chrome >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing chromium for the browser tests"; \
		{ apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; } || echo "chromium cannot be installed here; the browser tests will be skipped"; \
	fi
