# Needs make and Python 3.11 to 3.14; everything else is installed into .venv. `make` alone lists the targets.

CASE ?= hyperscaler
SCENARIOS ?= 100000
ARGS ?=
WORKERS ?= 2
# Interpreters tried in this order to make .venv; give one to choose it.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python

BIN := .venv/bin
READY := .venv/ready
LOCK := requirements-dev.lock
FLOORS := optimizer models kernels reports
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup plan test test-lowest test-newest check format lint types contracts bench bench-ci docs site study reconciliation wheel hooks lock clean

help: ## list the targets
	@echo "make TARGET [CASE=$(CASE)] [SCENARIOS=$(SCENARIOS)] [ARGS=...] [PYTHON=...] [WORKERS=$(WORKERS)]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## make .venv with the locked environment (the other targets do it when needed)

plan: $(READY) ## plan CASE over SCENARIOS scenarios; ARGS go to `capmix plan`
	@$(BIN)/capmix plan $(CASE) --scenarios $(SCENARIOS) $(ARGS)

test: check ## everything: check, then pytest; ARGS go to pytest
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

# What a user may get who installs without the lock: a plain install into an environment of its own, with the lowest and
# with the newest releases that pyproject.toml allows. The tests are those that cross every library and need no oracle.
APART := tests/reports --ignore tests/reports/pages tests/models/test_golden.py tests/models/test_by_hand.py tests/optimizer/test_run.py \
  tests/optimizer/analysis/test_infeasible.py tests/kernels/test_losses.py tests/kernels/memory/test_placement.py
define apart
@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/$(1)
@$(BIN)/uv pip install --quiet --python .venv/$(1) --refresh-package capmix $(2) '.[parquet]'
@$(BIN)/uv pip install --quiet --python .venv/$(1) pytest pytest-xdist hypothesis
@$(BIN)/uv pip list --quiet --python .venv/$(1)
@.venv/$(1)/bin/python -m pytest -n $(WORKERS) --dist loadfile $(APART) $(ARGS)
endef

test-lowest: $(READY) ## a plain install with the lowest releases allowed, and the tests that cross every library
	$(call apart,lowest,--resolution lowest-direct)

test-newest: $(READY) ## the same with the newest releases
	$(call apart,newest,--upgrade)

check: lint types contracts ## every check but the tests

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; exit 1; }

# The checkout is the package, whatever its folder is called. mypy names modules after folders and does not see
# editable installs, so it is shown the checkout through a link called capmix.
types: $(READY) ## mypy, strict, on the four source folders
	@MYPYPATH=.venv/types $(BIN)/mypy --no-error-summary $(addprefix -p capmix.,$(FLOORS)) > .venv/types.log \
	  || { sed 's|\.venv/types/capmix/||' .venv/types.log; exit 1; }

contracts: $(READY) ## import-linter: who may import whom
	@PYTHONPATH= $(BIN)/lint-imports --no-cache > .venv/contracts.log 2>&1 || { cat .venv/contracts.log; exit 1; }

format: $(READY) ## rewrite the files in ruff's format, with sorted imports
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format .

bench: $(READY) ## measure on this machine, as in bench/RESULTS.md; ARGS go to `python -m bench`
	@$(BIN)/python -m bench $(ARGS)

bench-ci: $(READY) ## ratios for CI into bench-ci.json; exit code 1 where bench/thresholds.toml is broken
	@$(BIN)/python -m bench ci --json bench-ci.json $(ARGS)

docs: $(READY) ## renew the generated pages: case-reference, commands, instruments, plan-json, validation; not the study
	@$(BIN)/python -m capmix.reports.pages.case_reference > .venv/page && cp .venv/page docs/case-reference.md
	@$(BIN)/python -m capmix.reports.pages.commands > .venv/page && cp .venv/page docs/commands.md
	@$(BIN)/python -m capmix.reports.pages.instruments > .venv/page && cp .venv/page docs/instruments.md
	@$(BIN)/python -m capmix.reports.pages.schema_page > .venv/page && cp .venv/page docs/plan-json.md
	@$(BIN)/python -m capmix.reports.pages.validation > .venv/page && cp .venv/page docs/validation.md

# The site's tools are those that pyproject.toml allows, in an environment of their own; --strict takes a link that leads
# nowhere, and a docstring that says of an argument what is not so, for errors.
site: $(READY) ## the documentation as a site, in build/site
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/site
	@$(BIN)/uv pip install --quiet --python .venv/site --refresh-package capmix '.[docs]'
	@NO_MKDOCS_2_WARNING=1 .venv/site/bin/mkdocs build --strict --clean --site-dir build/site $(ARGS) > .venv/site.log 2>&1 \
	  || { cat .venv/site.log; exit 1; }
	@echo "build/site/index.html"

study: $(READY) ## renew docs/financing-study.md, which takes many minutes
	@$(BIN)/python -m capmix.reports.pages.study > .venv/page && cp .venv/page docs/financing-study.md

reconciliation: $(READY) ## renew docs/reconciliation.md from a plan of a shipped case
	@$(BIN)/python -m capmix.reports.pages.reconciliation > .venv/page && cp .venv/page docs/reconciliation.md

wheel: $(READY) ## the source distribution, and a wheel made from it, in dist
	@$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist .
	@ls dist

hooks: $(READY) ## install the git hooks
	@$(BIN)/pre-commit install

lock: $(READY) ## renew the lock from pyproject.toml; ARGS=--upgrade takes the newest releases
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --fork-strategy fewest --python-version 3.11 --no-header \
	  --annotation-style line --no-emit-index-url --no-emit-find-links --quiet $(ARGS) --output-file $(LOCK)

clean: ## remove .venv, caches and builds; runs/ stays
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find $(FLOORS) cases tests bench __pycache__ -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# .venv holds absolute paths: it is made anew where the checkout has moved.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): $(LOCK) pyproject.toml
	@if [ "$$(cat $@ 2>/dev/null)" != "$(CURDIR)" ] || ! $(BIN)/python -c '$(SUITABLE)' 2>/dev/null; then \
	  rm -f $@; found=; \
	  for python in $(PYTHON); do \
	    if $$python -c '$(SUITABLE)' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "capmix needs Python 3.11, 3.12, 3.13 or 3.14 with its venv module; none of these is one: $(PYTHON)." >&2; \
	    echo "Install one (on Debian and Ubuntu: apt install python3 python3-venv) or name yours: make PYTHON=/path/to/python" >&2; \
	    exit 1; \
	  fi; \
	  echo "Setting up .venv with $$($$found --version); this is done once"; \
	  $$found -m venv --clear .venv; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@mkdir -p .venv/types && ln -sfn ../.. .venv/types/capmix
	@echo "$(CURDIR)" > $@
