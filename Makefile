# Every target creates .venv when it is missing. The machine needs Python 3.11 or newer and make.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --require-hashes --disable-pip-version-check
PACKAGES := config api accounts webhooks metrics ingestion tests bench

# Static checks read the settings and connect to nothing.
SETTINGS_ONLY := SECRET_KEY=lint SECRETS_KEYS=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
	DATABASE_URL=postgresql://lint:lint@127.0.0.1:1/lint BROKER_URL=redis://127.0.0.1:1/0
# One more than the cores: tests wait for servers, timers and each other a third of their time.
WORKERS := $(shell $(PYTHON) -c "import os; print(min(4, (os.cpu_count() or 1) + 1))")
IN_PARALLEL := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet
SPECTACULAR := $(SETTINGS_ONLY) $(BIN)/python manage.py spectacular --format openapi-json --validate --fail-on-warn

.DEFAULT_GOAL := help
.PHONY: help demo up smoke test chaos fuzz format check lint lint-api clients query-counts bench lock rules-check migrations openapi format-docs translations

help:
	@echo "make demo          Start the product with eight sample accounts on http://localhost:8000 (PORT=… for another port)"
	@echo "make up            Start the product without data; it keeps its data in .underone (UNDERONE_HOME=… for another folder)"
	@echo "make smoke         Start a temporary copy, load files, compare every figure, stop"
	@echo "make test          Run all tests on temporary servers, several at a time (ARGS=tests/x.py::test_y runs those instead)"
	@echo "make chaos         Break processes, servers, storage and disk at random for ten minutes in each of four installations (CHAOS_SECONDS=… CHAOS_SEED=…)"
	@echo "make fuzz          Test the server against the OpenAPI document (FUZZ_SEED=… FUZZ_EXAMPLES=… FUZZ_SECONDS=…)"
	@echo "make format        Format the code and fix what ruff can fix"
	@echo "make check         Run lint and the tests that need no servers"
	@echo "make lint          Check style, types, imports, migrations and the OpenAPI document"
	@echo "make lint-api      Check docs/openapi.json with Spectral and the OWASP rules (needs node), and the terms of the documentation"
	@echo "make clients       Generate three clients and run them against a server (needs node)"
	@echo "make query-counts  Print how many queries each list takes"
	@echo "make bench         Run the benchmarks"
	@echo "make lock          Update the lock files from pyproject.toml"
	@echo "make rules-check   Check that Amazon's rules were compared with their sources in the last 90 days"
	@echo "make migrations    Write the migration that the models need (ARGS=\"metrics --name late_orders\")"
	@echo "make openapi       Generate docs/openapi.json"
	@echo "make format-docs   Generate the report types in docs/report-types.md"
	@echo "make translations  Compile the Chinese translations (config/locale)"

demo: .venv/.embedded
	@exec $(BIN)/python -m config.launcher.up --demo

up: .venv/.embedded
	@exec $(BIN)/python -m config.launcher.up

smoke: .venv/.embedded
	@exec $(BIN)/python -m config.launcher.smoke

test: .venv/.dev
	$(BIN)/python -m pytest $(or $(ARGS),$(IN_PARALLEL))

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint
	$(BIN)/python -m pytest -q --pure $(IN_PARALLEL)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(SETTINGS_ONLY) $(BIN)/mypy --strict $(PACKAGES)
	$(BIN)/lint-imports
	$(SETTINGS_ONLY) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(SPECTACULAR) --file .venv/openapi.json
	diff docs/openapi.json .venv/openapi.json

chaos: export CHAOS_SECONDS ?= 600
chaos: export CHAOS_SEED ?= $(shell date +%s)
chaos: .venv/.dev
	@echo "Seed: $(CHAOS_SEED)"
	$(BIN)/python -m pytest -q -s tests/journeys/test_chaos.py

fuzz: export FUZZ_EXAMPLES ?= 150
fuzz: export FUZZ_SECONDS ?= 300
fuzz: export FUZZ_SEED ?= $(shell date +%s)
fuzz: .venv/.dev
	@echo "Seed: $(FUZZ_SEED)"
	$(BIN)/python -m pytest -q -s tests/contract/test_schemathesis.py

lint-api: .venv/.dev
	$(BIN)/python -m pytest -q tests/contract/test_terminology.py tests/contract/test_spectral.py

clients: .venv/.dev
	$(BIN)/python -m pytest -q -s tests/contract/test_clients.py

query-counts: .venv/.dev
	SHOW_QUERY_COUNTS=1 $(BIN)/python -m pytest -q -s tests/architecture/test_query_counts.py -k full_page

bench: .venv/.dev
	@for file in $$(grep -l __main__ bench/*.py); do $(BIN)/python -m bench.$$(basename $$file .py) || exit 1; done

lock: .venv/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(COMPILE) --extra s3 --output-file requirements.lock
	$(COMPILE) --extra embedded --constraint requirements.lock --output-file requirements-embedded.lock
	$(COMPILE) --extra embedded --extra s3 --group dev --constraint requirements-embedded.lock --output-file requirements-dev.lock

format-docs: .venv/.dev
	$(SETTINGS_ONLY) $(BIN)/python -W ignore::RuntimeWarning manage.py describe_report_types --skip-checks

rules-check: .venv/.dev
	$(SETTINGS_ONLY) $(BIN)/python -W ignore::RuntimeWarning manage.py check_rules

migrations: .venv/.dev
	$(SETTINGS_ONLY) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations $(ARGS)
	$(BIN)/ruff check --quiet --fix */migrations
	$(BIN)/ruff format --quiet */migrations

openapi: .venv/.dev
	$(SPECTACULAR) --file docs/openapi.json

translations: .venv/.dev
	$(BIN)/pybabel compile --domain django --directory config/locale --statistics

.venv/.python:
	@command -v $(PYTHON) > /dev/null || { echo "Underone needs Python 3.11 or newer, and there is no $(PYTHON)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Underone needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.embedded: requirements-embedded.lock | .venv/.python
	@echo "Installing the packages of requirements-embedded.lock (a minute the first time) …"
	@$(INSTALL) -r requirements-embedded.lock
	@touch $@

.venv/.dev: requirements-dev.lock | .venv/.python
	@echo "Installing the packages of requirements-dev.lock (a minute the first time) …"
	@$(INSTALL) -r requirements-dev.lock
	@touch $@
