# contextd: every task, self-describing. `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-fast test-pythons test-wheel check lint format types contracts docs bench lock clean

help: ## list the tasks
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## the story in under a minute: register, crawl, drift, ask, refuse, prove
	@$(BIN)/python sample_repos/demo.py

test: $(VENV)/.dev ## every test, with the coverage gate
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest --cov --cov-report=term

test-fast: $(VENV)/.dev ## the tests that take a moment at most
	@$(BIN)/python -m pytest -m "not slow" -q

test-pythons: ## the same snapshot id under every other Python 3.11+ found here (installs each in scratch/)
	@$(PYTHON) tests/pythons.py

test-wheel: $(VENV)/.dev ## build the wheel and use it alone in an empty environment
	@$(BIN)/python -m pytest -q tests/system/test_wheel.py --run-wheel

check: lint types contracts docs test ## everything that must hold before a change lands

lint: $(VENV)/.dev ## style: ruff, all rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: $(VENV)/.dev ## write the style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(VENV)/.dev ## types: mypy, strict
	@$(BIN)/mypy

contracts: $(VENV)/.dev ## floors: who may import whom
	@$(BIN)/lint-imports

docs: $(VENV)/.dev ## documents: links, commands, codes and settings they name exist
	@$(BIN)/python -m pytest -q tests/docs

bench: $(VENV)/.dev ## measure; prints ratios and writes bench/results.json
	@$(BIN)/python bench/run.py

lock: $(VENV)/.dev ## pin every dependency by hash (needs uv)
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 pyproject.toml -o requirements/runtime.txt
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 requirements/build.in -o requirements/build.txt

clean: ## remove what the tasks made
	rm -rf $(VENV) scratch dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "contextd needs Python 3.11 or newer; $(PYTHON) is older. mend: make PYTHON=python3.11 …"; exit 3; }
ifneq ($(UV),)
	@uv venv -q --python "$$(command -v $(PYTHON))" $(VENV)
else
	@$(PYTHON) -m venv $(VENV)
endif

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "installing what contextd runs on into $(VENV)"
	@$(call install,-r requirements/build.txt -r requirements/runtime.txt)
	@$(call editable)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "installing the development tools into $(VENV)"
	@$(call install,-r requirements/dev.txt)
	@touch $@

ifneq ($(UV),)
install  = uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes $(1)
editable = uv pip install -q --python $(BIN)/python --no-build-isolation --no-deps -e .
else
install  = $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes $(1)
editable = $(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
endif
