# Everything a person types. Each target first sets up what it needs: only Python 3.11 or later and make are assumed.
#
# .venv is built from a lock with hashes: by uv where it is there, else by venv and pip. It is built again only when
# the lock is newer than the stamp inside it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run demo demo-check test test-postgres check bench chaos client lock clean

PYTHON := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null)
WORKERS ?= auto
TESTS ?= tests
KILLS ?= 20
PORT ?= 8000
NEAR_THE_DATABASE := tests/accounts tests/audit tests/pipelines tests/exports

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

# ---------------------------------------------------------------------------------------------------- environments

.venv/bin/python:
	@python=""; \
	for name in $(WITH) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if command -v "$$name" >/dev/null 2>&1 && \
	       "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python="$$name"; break; fi; \
	done; \
	if [ -n "$(UV)" ]; then \
	    "$(UV)" venv --quiet --python "$${python:->=3.11}" .venv; \
	elif [ -z "$$python" ]; then \
	    echo "Waybill needs Python 3.11 or later, and there is none on the PATH. Install it, or name it: make WITH=/path/to/python3 …" >&2; exit 1; \
	elif ! "$$python" -m venv .venv; then \
	    rm -rf .venv; echo "$$python cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; \
	fi

# $(call install,LOCK): .venv holds what the lock names, each file checked against its hash.
define install
	@echo "Installing $(1)"
	@if [ -n "$(UV)" ]; then \
	    "$(UV)" pip install --quiet --require-hashes --python $(PYTHON) -r $(1); \
	else \
	    $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); \
	fi
endef

# The development lock contains the other: where it is installed, the demo uses it too.
.venv/.run: requirements.lock | .venv/bin/python
	$(call install,$(if $(wildcard .venv/.dev),requirements-dev.lock,requirements.lock))
	@touch $@

.venv/.dev: requirements-dev.lock | .venv/bin/python
	$(call install,requirements-dev.lock)
	@touch $@ .venv/.run

# ---------------------------------------------------------------------------------------------------- running

run: .venv/.run  ## the web server and a worker, on SQLite unless DATABASE_URL says otherwise
	$(PYTHON) manage.py migrate --verbosity 0
	$(PYTHON) manage.py collectstatic --noinput --verbosity 0
	@trap 'kill $$worker $$web 2>/dev/null; wait' INT TERM EXIT; \
	$(PYTHON) manage.py qcluster & worker=$$!; \
	.venv/bin/gunicorn config.wsgi --bind 127.0.0.1:$(PORT) --threads 8 & web=$$!; \
	echo "Waybill: http://localhost:$(PORT)/   (Ctrl-C stops both)"; \
	wait $$web

demo: .venv/.run  ## the whole product with a pretend ERP and an SFTP server; REAL=FOLDER exports real documents
	@$(PYTHON) -m demo run $(if $(REAL),--real "$(REAL)")

demo-check: .venv/.run  ## the demo without staying up: one line of JSON, exit 0 only if all is as it should be
	@$(PYTHON) -m demo run --check $(if $(REAL),--real "$(REAL)")

# ---------------------------------------------------------------------------------------------------- proving

test: .venv/.dev  ## the whole suite, on SQLite or on DATABASE_URL; TESTS=tests/exports runs a part
	$(PYTHON) -m pytest -n $(WORKERS) $(TESTS)

test-postgres: .venv/.dev  ## the tests near the database, on a PostgreSQL started for them
	$(PYTHON) -m tests.servers.postgres $(PYTHON) -m pytest -n $(WORKERS) $(NEAR_THE_DATABASE)

check: .venv/.dev  ## lint, format, types, import contracts, migrations
	.venv/bin/ruff check .
	.venv/bin/ruff format --check --quiet .
	.venv/bin/mypy .
	.venv/bin/lint-imports --no-logo
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) manage.py check --fail-level WARNING

bench: .venv/.dev  ## documents a second, as a ratio to a bare loop in the same run
	$(PYTHON) -m benchmarks $(ARGS)

chaos: .venv/.dev  ## kill -9 the worker KILLS times and count lost, doubled and unrecorded exports
	$(PYTHON) -m benchmarks.chaos --kills $(KILLS) --sources 200 $(ARGS)

# ---------------------------------------------------------------------------------------------------- keeping

CLIENT ?= build/client
client: .venv/.dev  ## a typed Python client of the REST API, from its OpenAPI document; CLIENT=folder
	@mkdir -p $(dir $(CLIENT))
	$(PYTHON) manage.py spectacular --validate --fail-on-warn --format openapi-json --file $(CLIENT).openapi.json
	PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/openapi-python-client generate --overwrite --fail-on-warning --config config/client.yaml \
	    --path $(CLIENT).openapi.json --output-path $(CLIENT)

COMPILE = pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
lock: .venv/bin/python  ## compile both locks from pyproject.toml: hashes, and no address of any registry
	@[ -n "$(UV)" ] || $(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	$(or $(UV),.venv/bin/uv) $(COMPILE) pyproject.toml -o requirements.lock
	$(or $(UV),.venv/bin/uv) $(COMPILE) --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:  ## everything that can be made again; the data in var/ stays
	rm -rf .venv staticfiles build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
