# What there is to run. `make demo` and `make test` need Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
MINUTES ?= 10

.DEFAULT_GOAL := help
.PHONY: demo test check fuzz bench soak judge power upgrade lock help .venv

help: ## say what there is to run
	@grep -hE '^[.a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([.a-z]+):.*## (.*)$$/\1\t\2/' | expand -t 10

demo: .venv/.base ## the main job on a fixture day, then the pages at http://127.0.0.1:8000
	$(BIN)/thinkcarer demo $(ARGS)

test: .venv/.dev ## the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

check: .venv/.dev ## format, lint, types and import contracts, a few seconds
	$(BIN)/python -m pytest -q tests/house $(ARGS)

fuzz: .venv/.dev ## every reader of foreign bytes against new cases, for MINUTES=10
	end=$$(($$(date +%s) + 60 * $(MINUTES))); while [ $$(date +%s) -lt $$end ]; do \
	$(BIN)/python -m pytest -q tests/unit/test_fuzz_*.py --hypothesis-profile=fuzz --timeout=3600 $(ARGS) \
	|| exit 1; done

bench: .venv/.dev ## figures beside their baselines, in one run
	$(BIN)/python -m bench $(ARGS)

soak: .venv/.dev ## steady load for MINUTES, and whether the service is then what it was after five
	$(BIN)/python -m bench.soak --minutes $(MINUTES) $(ARGS)

judge: .venv/.dev ## kill the service KILLS times and judge it from outside (ARGS="--on postgresql")
	$(BIN)/python -m tests.judge --kills $(KILLS) $(ARGS)
KILLS ?= 1000

power: .venv/.dev ## cut the power of SQLite CUTS times and look at what is left
	$(BIN)/python -m tests.power --cuts $(CUTS) $(ARGS)
CUTS ?= 1000

upgrade: .venv/.dev ## bring a release to this one under load: FROM=REVISION (PostgreSQL)
	$(BIN)/python -m tests.judge.upgrade --from $(FROM)

.venv: .venv/.base ## the environment alone

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.base: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

lock: ## write both lock files anew (needs uv)
	printf 'hatchling\neditables\n' | uv pip compile pyproject.toml - $(LOCK) -o requirements.lock
	printf 'hatchling\neditables\n' | uv pip compile pyproject.toml - --extra dev -c requirements.lock $(LOCK) -o requirements-dev.lock
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet
