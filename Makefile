PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin
LOCK := requirements.lock
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
LISTEN ?= 127.0.0.1:8080

.DEFAULT_GOAL := help
.PHONY: help run setup test nightly check format bench bench-peers generate lock clean

help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.runs ## Start the gateway on the built-in echo provider and print a line to paste (LISTEN=127.0.0.1:8081 for another port).
	@$(BIN)/tokenhub serve configs/tokenhub.yaml --listen $(LISTEN) --try-it

setup: .venv/.ready ## Make .venv with everything that running and testing need.

.venv/.runs: pyproject.toml requirements-run.lock
	@echo "Installing into .venv what the gateway needs to run: half a minute, once."
	@$(call install,requirements-run.lock)
	@touch $@

.venv/.ready: pyproject.toml $(LOCK)
	@echo "Installing into .venv what the gateway and its tests need: a few minutes, once."
	@$(call install,$(LOCK))
	@touch .venv/.runs $@

define install
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tokenhub needs Python 3.11, and this is " \
	+ sys.version.split()[0] + "; say: make PYTHON=/path/to/python3.11")' && \
$(PYTHON) -m venv .venv && \
$(PIP) --require-hashes -r $(1) && \
$(PIP) --no-deps --no-build-isolation -e .
endef

test: setup ## Everything a laptop can run, in under eight minutes on two cores.
	$(BIN)/pytest -n 2

nightly: setup ## What needs a quarter of an hour: 200 kills on each database, long walks over the limits.
	TOKENHUB_NIGHTLY=1 $(BIN)/pytest -n 2 tests/fleet tests/stores

check: setup ## Format, lint, types, laws of the house, drift of everything generated.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_house.py tests/test_schema_printed.py tests/test_documents.py tests/catalog

format: setup ## Put everything in form.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: setup ## Print anew what is generated: schemas and reference pages.
	$(BIN)/python -m tests.generate

bench: setup ## Measure against nginx, and print ratios.
	$(BIN)/python -m tests.bench --into .bench

bench-peers: setup ## The same against every peer that can be installed.
	$(BIN)/python -m tests.bench --peers --into docs

lock: ## Resolve the dependencies anew.
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--all-extras --python-version 3.11 pyproject.toml build-requirements.in -o $(LOCK)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 pyproject.toml build-requirements.in --constraint $(LOCK) -o requirements-run.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra redis --extra postgres --extra vertex --extra otel --python-version 3.11 pyproject.toml \
		--constraint $(LOCK) -o requirements-image.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 build-requirements.in --constraint $(LOCK) -o requirements-build.lock

clean: ## Remove what make made.
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis
