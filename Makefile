# Every target makes .venv by itself; all that the machine needs is Python 3.11 or newer and make.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --require-hashes --disable-pip-version-check
PACKAGES := config accounts webhooks metrics ingestion tests bench

# Static checks read the settings and connect to nothing.
SETTINGS_ONLY := SECRET_KEY=lint SECRETS_KEYS=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
	DATABASE_URL=postgresql://lint:lint@127.0.0.1:1/lint BROKER_URL=redis://127.0.0.1:1/0
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet
SPECTACULAR := $(SETTINGS_ONLY) $(BIN)/python manage.py spectacular --format openapi-json --validate --fail-on-warn

.DEFAULT_GOAL := help
.PHONY: help demo up smoke test fuzz lint lint-api clients budgets bench lock openapi doors words

help:
	@echo "make demo     the product on this machine with eight sample accounts (http://localhost:8000, PORT=… for another)"
	@echo "make up       the product on this machine, empty; data stays in .underone (UNDERONE_HOME=… for another folder)"
	@echo "make smoke    start a throw-away copy, load files, compare every figure, stop"
	@echo "make test     all tests, two or more at a time, on throw-away servers (ARGS=… goes to pytest)"
	@echo "make fuzz     ask a server everything that the document allows and forbids, for minutes (FUZZ_SEED=… FUZZ_EXAMPLES=… FUZZ_SECONDS=…)"
	@echo "make lint     style, types, imports, migrations and the OpenAPI document"
	@echo "make lint-api Spectral with the OWASP rules on docs/openapi.json (needs node)"
	@echo "make clients  three generated clients against a server (needs node)"
	@echo "make budgets  the queries that each list costs, as counted now"
	@echo "make bench    the benchmarks"
	@echo "make lock     write the lock files anew from pyproject.toml"
	@echo "make openapi  write docs/openapi.json anew"
	@echo "make doors    write the kinds of documents in docs/doors.md anew"
	@echo "make words    compile the Chinese words (config/locale) after a change of them"

demo: .venv/.embedded
	@exec $(BIN)/python -m config.up --demo

up: .venv/.embedded
	@exec $(BIN)/python -m config.up

smoke: .venv/.embedded
	@exec $(BIN)/python -m config.smoke

test: .venv/.dev
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile $(ARGS)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(SETTINGS_ONLY) $(BIN)/mypy --strict $(PACKAGES)
	$(BIN)/lint-imports
	$(SETTINGS_ONLY) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(SPECTACULAR) --file .venv/openapi.json
	diff docs/openapi.json .venv/openapi.json

fuzz: export FUZZ_EXAMPLES ?= 150
fuzz: export FUZZ_SECONDS ?= 300
fuzz: export FUZZ_SEED ?= $(shell date +%s)
fuzz: .venv/.dev
	@echo "Seed: $(FUZZ_SEED)"
	$(BIN)/python -m pytest -q -s tests/contract/test_schemathesis.py

lint-api: .venv/.dev
	$(BIN)/python -m pytest -q tests/contract/test_spectral.py

clients: .venv/.dev
	$(BIN)/python -m pytest -q -s tests/contract/test_clients.py

budgets: .venv/.dev
	SHOW_BUDGETS=1 $(BIN)/python -m pytest -q -s tests/walls/test_budgets.py -k full_page

bench: .venv/.dev
	@for file in $$(grep -l __main__ bench/*.py); do $(BIN)/python -m bench.$$(basename $$file .py) || exit 1; done

lock: .venv/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra embedded --constraint requirements.lock --output-file requirements-embedded.lock
	$(COMPILE) --extra embedded --group dev --constraint requirements-embedded.lock --output-file requirements-dev.lock

doors: .venv/.dev
	$(SETTINGS_ONLY) $(BIN)/python -W ignore::RuntimeWarning manage.py describe_doors --skip-checks

openapi: .venv/.dev
	$(SPECTACULAR) --file docs/openapi.json

words: .venv/.dev
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
