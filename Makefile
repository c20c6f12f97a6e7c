# The workflow, one target a verb. Needs Python 3.11+, pip and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test test-fast check bench soak lock clean

setup: $(VENV)/.installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Carillon needs Python 3.11 or newer: set PYTHON=python3.11")'
	@echo "Making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing from requirements.txt (half a minute to two minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what the tests need from requirements-dev.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

demo: $(VENV)/.installed
	@exec $(BIN)/carillon demo $(ARGS)

test: $(VENV)/.installed-dev
	@sh tests/install-browser.sh
	@sh tests/in-lanes.sh $(BIN)/python $(ARGS)

test-fast: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -m "not soak and not slow and not browser" $(ARGS)

soak: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -m soak $(ARGS)

# Settings are loaded, nothing is started: no key is made and no database asked.
check: export CARILLON_SECRET_KEY = check
check: export CARILLON_DATABASE_URL = postgresql:///none
check: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -W ignore::RuntimeWarning -m django makemigrations --check --dry-run --settings carillon.settings

bench: $(VENV)/.installed-dev
	@$(BIN)/python -m benchmarks $(ARGS)

# Needs uv; writes no registry address into the files.
lock:
	uv pip compile -q --generate-hashes --universal --no-header --python-version 3.11 --extra build pyproject.toml -o requirements.txt
	uv pip compile -q --generate-hashes --universal --no-header --python-version 3.11 --extra build --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
