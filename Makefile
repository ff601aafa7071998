PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements.lock

.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench bench-peers generate lock clean

help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(BIN)/.ready ## Make .venv with everything that running and testing need.

$(BIN)/.ready: pyproject.toml $(LOCK)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## Start the gateway on the built-in echo provider and print a line to paste.
	@$(BIN)/tokenhub serve configs/tokenhub.yaml --try-it

test: setup ## Everything a laptop can run, in under eight minutes on two cores.
	$(BIN)/pytest -n 2

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
		--extra redis --extra postgres --extra vertex --extra otel --python-version 3.11 pyproject.toml \
		--constraint $(LOCK) -o requirements-image.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 build-requirements.in --constraint $(LOCK) -o requirements-build.lock

clean: ## Remove what make made.
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis
