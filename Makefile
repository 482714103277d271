# The project's verbs. Everything runs in the project's own virtual environment, .venv.
#   make audit   install, measure the shipped pair, write runs/audit/report.html (resumes when repeated)
#   make test    the fast tests          make slow    the long ones
#   make check   lint, types, imports    make bench   benchmarks      make docs   generated pages
#   make nightly the long tests and the studies of recovery, coverage and judges (hours on one core)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The release this environment is made with; the package itself accepts any torch >= 2.6. To take another
# build (a GPU one, say): make audit TORCH=torch
TORCH ?= torch==2.13.0
OUT ?= runs/audit
# labelled text for the study of judges
DATA ?= ../shared/data
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: audit test slow nightly check bench docs clean

audit: $(VENV)/.installed
	$(BIN)/alignthermo landscape --config examples/audit.toml --out $(OUT)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

slow: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow

nightly: $(VENV)/.dev
	rm -rf runs/nightly
	$(BIN)/python -m studies.law_recovery --results runs/nightly/law_recovery --page docs/recovery.md
	$(BIN)/python -m studies.drift_laws --results runs/nightly/drift_laws
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow
	$(BIN)/python studies/coverage.py
	$(BIN)/python studies/judge_accuracy.py --data $(DATA)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.streaming
	$(BIN)/python -m benchmarks.sweep

docs: $(VENV)/.dev
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python -m pytest -q tests/test_formulas.py tests/test_docs.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV) (torch is large; a few minutes the first time)"
	$(PIP) "$(TORCH)"
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(PIP) -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) runs build dist
