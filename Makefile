# One command for each thing one does here; `make help` lists them. Needs Python 3.11 or newer, git and make.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
VENV_20 := .venv-sa20
ARGS :=

# What SQLAlchemy 2.0 could break: everything that touches its API, without tools, servers and whole applications.
TESTS_20 := tests/unit tests/integration/migrations \
	--ignore=tests/unit/test_tools.py --ignore=tests/unit/test_compose.py --ignore=tests/unit/test_conftest.py \
	--ignore=tests/unit/test_docs_testing.py --ignore=tests/unit/testing/test_servers.py

.PHONY: help demo test test-sqlalchemy-2.0 faults lint types format bench clean servers

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## / {printf "make %-22s %s\n", $$1, $$2}' Makefile

# Stamps: an environment is refreshed when pyproject.toml is newer.
$(VENV)/.core: pyproject.toml
	@tools/make-venv $(VENV) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml
	@tools/make-venv $(VENV) -e '.[dev]'
	@touch $(VENV)/.core $@

$(VENV_20)/.dev: pyproject.toml
	@tools/make-venv $(VENV_20) -e '.[dev]' 'sqlalchemy<2.1'
	@touch $@

demo: $(VENV)/.core ## Run the main job on SQLite files: sign up, deposit, buy, sell, add a shard
	@$(VENV)/bin/shardwise demo $(ARGS)

servers: ## Find, or install where possible, the servers that the tests start
	@tools/ensure-servers

test: $(VENV)/.dev servers ## Run all tests (ARGS="-k name" to choose)
	@$(VENV)/bin/python -m pytest -n auto --dist worksteal $(ARGS)

test-sqlalchemy-2.0: $(VENV_20)/.dev servers ## Run what touches its API on SQLAlchemy 2.0
	@$(VENV_20)/bin/python -c 'import sqlalchemy; print("SQLAlchemy", sqlalchemy.__version__)'
	@$(VENV_20)/bin/python -m pytest -n auto --dist worksteal $(TESTS_20) -o cache_dir=.pytest_cache/sa20 $(ARGS)

faults: $(VENV)/.dev servers ## Run only the tests that kill processes and servers
	@$(VENV)/bin/python -m pytest tests/faults $(ARGS)

lint: $(VENV)/.dev ## Check style (ruff) and that imports point down only (import-linter)
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/lint-imports

types: $(VENV)/.dev ## Check types (mypy, strict)
	@$(VENV)/bin/mypy

format: $(VENV)/.dev ## Put the code into its format
	@$(VENV)/bin/ruff check --fix-only
	@$(VENV)/bin/ruff format

bench: $(VENV)/.dev servers ## Measure side by side against peers; writes build/bench.json
	@mkdir -p build
	@$(VENV)/bin/python -m benchmarks --output build/bench.json $(ARGS)

clean: ## Delete the environments, caches and what was built
	@rm -rf $(VENV) $(VENV_20) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
