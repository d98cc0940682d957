# Everything runs in .venv, made on first use: a machine with python3.11, venv, pip and make will do.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
# One process for a file: what its tests share is made once. One thread in a process: on small arrays
# more of them mostly wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

# Compiled modules are kept: the tests start some hundred processes that load them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: verify test prove lint docs bench fuzz dist

verify: $(INSTALLED)
	$(BIN)/isthmus verify --report report

test: $(INSTALLED)
	$(PYTEST) --ignore-glob '*/test_coq*.py'

# The library of theory/formal and what it proves; needs coqc.
prove: $(INSTALLED)
	$(PYTEST) tests/numerics/test_coq*.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest tests/lint

# The site, build/site/index.html: read from there, without a server.
docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -q -c docs -b html . build/site

# Every property on a thousand fresh random examples: for a night.
fuzz: $(INSTALLED)
	$(PYTEST) --hypothesis-profile=fuzz

# What is released, into dist/: each installed, without torch, into an empty environment of each of
# these Pythons that is there, and tried.
dist: $(INSTALLED)
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python tests/support/distributions.py dist python3.11 python3.12 python3.13

bench: $(INSTALLED)
	$(BIN)/pytest tests/benchmarks --benchmark-columns=min,median,max,rounds

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev,docs,gpt2,text,dask,ray]'
	touch $@
