.DEFAULT_GOAL := help
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
  $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
PORT ?= 3000
BIN := .venv/bin
# The system's Node comes first; where there is none, the one from the Python wheel serves.
WITH_NODE = PATH="$$PATH:$(CURDIR)/.venv/bin"

# Compiled modules are kept, even where the environment says otherwise: a program starts in half the time.
unexport PYTHONDONTWRITEBYTECODE

help:  ## What there is to do
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: requirements/dev.txt scripts/install.py
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed. Set PYTHON=/path/to/python3.'; exit 1; }
	@$(PYTHON) scripts/install.py

node_modules/.package-lock.json: package-lock.json .venv/installed
	@echo "installing npm packages (package-lock.json)"
	@$(WITH_NODE) npm ci --no-audit --no-fund --silent

boxoffice/static/vendor/built: node_modules/.package-lock.json scripts/build_static.py scripts/pin_font.mjs
	@$(WITH_NODE) $(BIN)/python scripts/build_static.py

install: .venv/installed boxoffice/static/vendor/built  ## What `run` and a server need, and nothing is started

run: .venv/installed boxoffice/static/vendor/built  ## A working box office on http://localhost:3000 with demo nights (PORT=3001: there, HTTPS=1: for phones near by too)
	@$(BIN)/python -m boxoffice demo --port $(PORT)$(if $(HTTPS), --https)

test: .venv/installed boxoffice/static/vendor/built  ## All tests, in parallel, against the embedded PostgreSQL
	@$(BIN)/python -m pytest -n 2 --dist worksteal

test-postgres-15: .venv/installed boxoffice/static/vendor/built  ## What goes over HTTP, on Debian's PostgreSQL 15 (PG_BIN: where its programs are)
	@PG_BIN=$(PG_BIN) $(BIN)/python -m pytest -n 2 --dist worksteal -m "not browser" --ignore tests/stripe_simulator --ignore tests/cli --ignore tests/deploy

test-pgbouncer: .venv/installed boxoffice/static/vendor/built  ## What goes over HTTP and the domains, behind PgBouncer in transaction mode (TESTS=tests/worker: those alone)
	@PGBOUNCER=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not browser" $(TESTS)

test-long: .venv/installed boxoffice/static/vendor/built  ## Tests that have a long form, in that and with figures: 10,000 races at a door, 1,000,000 forgeries (TESTS=tests/door)
	@$(BIN)/python -m pytest -n 0 --soak --durations 0 --durations-min 1 $(TESTS)

quick: .venv/installed boxoffice/static/vendor/built  ## The everyday subset: no browser, nothing slow, not the simulator's own tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not browser" --ignore tests/stripe_simulator --ignore tests/cli

simulate: .venv/installed  ## Whole sales in worlds that a seed decides: SEEDS=200 FIRST_SEED=1 TRACE=1 TWICE=1 PLANTED=lock
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),200) --first $(or $(FIRST_SEED),1) \
	  $(if $(TRACE),--trace) $(if $(TWICE),--twice) $(if $(PLANTED),--planted $(PLANTED))

soak: .venv/installed boxoffice/static/vendor/built  ## People buy for minutes while everything fails: MINUTES=5 SEED=7 BUYERS=20
	@mkdir -p .local && $(BIN)/python -m tests.soak --minutes $(or $(MINUTES),5) --buyers $(or $(BUYERS),20) \
	  $(if $(SEED),--seed $(SEED)) 2>.local/soak.log || { echo "the end of .local/soak.log:"; tail -n 5 .local/soak.log; exit 1; }

crash: .venv/installed  ## Programs killed at each of their writes (half an hour): FLOW=webhook NUMBER=17 SAMPLE=5 SEED=1 PLANTED=1
	@$(BIN)/python -m tests.crash $(if $(FLOW),--flow "$(FLOW)") $(if $(NUMBER),--number $(NUMBER)) \
	  $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) $(if $(PLANTED),--planted)

lint: .venv/installed node_modules/.package-lock.json  ## Format, rules, the direction of imports, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(WITH_NODE) npm exec --no -- pyright

bench: .venv/installed  ## How fast it is, as ratios to limits measured in the same run
	@$(BIN)/python -m bench.web
	@$(BIN)/python -m bench.door

bench-search: .venv/installed  ## Search over 10,000 nights: percentiles and plans
	@$(BIN)/python -m bench.search

screenshots: .venv/installed boxoffice/static/vendor/built  ## Takes a picture of every page and mail, in Chromium
	@$(BIN)/python -m scripts.take_screenshots

audit-pages: .venv/installed boxoffice/static/vendor/built  ## axe, an HTML validator and Lighthouse on the pages: nothing found, 95 of 100 at least
	@$(BIN)/python -m scripts.audit_pages

schema: .venv/installed  ## Writes migrations/create_tables.sql anew from the migrations
	@$(BIN)/python -m scripts.make_create_tables

lock: .venv/installed  ## Resolves the Python requirements anew, with hashes
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --extra server pyproject.toml -o requirements/server.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --extra server --extra local --extra dev pyproject.toml -o requirements/dev.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.12 --extra vercel pyproject.toml -o requirements/vercel.txt

test-pgbouncer: TESTS ?= $(addprefix tests/,foundation accounts catalogue orders payments tickets reports support notifications worker api web)
test-postgres-15: PG_BIN ?= /usr/lib/postgresql/15/bin

.PHONY: help install run test test-postgres-15 test-pgbouncer test-long quick simulate soak crash lint bench bench-search screenshots audit-pages schema lock
