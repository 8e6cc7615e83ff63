# Everything runs in .venv, which is made on first use. Nothing else on the
# machine is touched. PYTHON=... chooses another interpreter (3.11 or newer).

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench train docs lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/.run ## a household with a synthetic infant, live, at one address (HARKEN_HEADLESS=1: once, by itself)
	$(BIN)/harken demo $(if $(filter-out 0,$(HARKEN_HEADLESS)),--headless,--live)

# What ARGS names runs as pytest runs it. All of it: a worker a core, each file with one of them
# and all browsers with one, which is what more than four would only wait for (tests/conftest.py).
test: $(VENV)/.dev ## run the tests (all of them with CI=true, else all but the slow ones)
ifdef ARGS
	$(BIN)/python -m pytest $(if $(CI),,-m "not slow") $(ARGS)
else
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder --durations 15 -m "not alone$(if $(CI),, and not slow)"
	$(BIN)/python -m pytest tests -m "alone$(if $(CI),, and not slow)"
endif

check: $(VENV)/.dev ## lint, format, types, which room imports which, no download addresses
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@! grep -rnE '://|^ *--[a-z-]*(index|find-links|trusted)' requirements \
		|| { echo 'make: a file above holds a download address; take it out' >&2; exit 1; }

format: $(VENV)/.dev ## put every Python file in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## accuracy and speed beside peers, one table (needs ../shared)
	$(BIN)/python -m benchmarks $(ARGS)

train: $(VENV)/.train ## train the shipped model again, end to end (needs ../shared)
	$(BIN)/python -m training.run $(ARGS)

docs: $(VENV)/.dev ## make the pictures and tables of the README and docs/ again
	$(BIN)/python docs/build.py $(ARGS)

lock: $(BIN)/python ## pin the newest versions in requirements/
	$(BIN)/python -m venv build/lock
	build/lock/bin/python -m pip --quiet install pip-tools
	for extras in run:plot,parquet,hub,notify,report,simulate dev:dev,hub,notify,postgres,studies; do \
		CUSTOM_COMPILE_COMMAND='make lock' \
			build/lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras \
			--no-emit-options \
			--extra $${extras#*:} --output-file requirements/$${extras%:*}.txt pyproject.toml \
		|| exit 1; done

clean: ## remove .venv and everything that was made here
	rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'make: Harken needs Python 3.11 or newer, and none was found. Install one, or say where it is: make PYTHON=/path/to/python' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'make: Harken needs Python 3.11 or newer; $(PYTHON) is older or does not run. Say which one to take: make PYTHON=/path/to/python' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo 'Installing into $(VENV): once, a minute or so'
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo 'Installing into $(VENV): once, a minute or two'
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-deps --editable .
	@touch $@

# PyTorch is in no lock file: which build fits depends on the machine.
$(VENV)/.train: $(VENV)/.dev
	$(PIP) install --editable '.[train]'
	@touch $@
