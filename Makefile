.PHONY: demo test test-fast coverage check bench bench-quality conformance clients bundle setup lock

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

demo: setup
	@$(BIN)/strategy-bank demo

PYTEST := -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations=30 --durations-min=8

test: setup
	@$(BIN)/python $(PYTEST)

test-fast: setup
	@$(BIN)/python $(PYTEST) -m "not slow" $(TESTS)

coverage: setup
	@$(BIN)/coverage erase
	@$(BIN)/coverage run $(PYTEST)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright

bench: setup
	@$(BIN)/python -m bench.load.startup
	@$(BIN)/python -m bench.tau.reports
	@$(BIN)/python -m bench.load.speed
	@$(BIN)/python -m bench.load.concurrency
	@$(BIN)/python -m bench.load.crashes
	@$(BIN)/python -m bench.load.soak
	@$(BIN)/python -m bench.load.growth
	@$(BIN)/python -m bench.load.compaction
	@$(BIN)/python -m bench.load.hooks

conformance: $(VENV)/judges
	@$(BIN)/python -m conformance.run

clients: $(VENV)/judges
	@$(BIN)/python -m conformance.clients

bundle: $(VENV)/judges
	@$(BIN)/python -m conformance.bundles

bench-quality: setup
	@$(BIN)/python -m bench.recall.quality
	@$(BIN)/python -m bench.recall.usefulness
	@$(BIN)/python -m bench.recall.candidates
	@$(BIN)/python -m bench.echoes.signs
	@$(BIN)/python -m bench.poison.quarantine
	@$(BIN)/python -m bench.consolidation.merges
	@$(BIN)/python -m bench.learning.curve --minutes 7

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	@echo "Setting up $(VENV): a minute or two, once"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which with make PYTHON=…")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install -qq --editable '.[llm]' --group dev
	@touch $@

$(VENV)/judges: $(VENV)/ready
	@$(BIN)/python -m pip install -qq --group conformance
	@touch $@

lock:
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv lock
