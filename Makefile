# Each target does all of its set-up: a machine with Python and make is enough.
#
#   make convert      every file under modular/ into models/
#   make test         everything that CI runs
#   make forward      do all models compute what their modular files and transformers say?
#   make forward-slow the same, and generation, torch.compile, tensor parallel, published sizes
#   make forward-cuda the same on a GPU, by a Python that has torch and transformers
#   make corpus       all modular files of a transformers release, compared with what it ships
#   make corpus-outside
#                     the same files as another repository would have them, imported and run
#   make corpus-list  strike from the list of differing files what no longer differs
#   make fuzz         10,000 random projects: what is generated does what the modular file does
#   make bench        what conversion costs, and whether that is little enough; PARTS='cold warm'
#   make docs         the pages under docs/ as a site, in site/
#   make lint         format this repository and fix what ruff and unravel can fix
#   make clean        remove the environment, the corpus and all caches

PYTHON ?= python3
JOBS ?= 2
EXAMPLES ?= 10000

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements/constraints.txt
CORPUS := $(BIN)/python -m tests.corpus

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help convert test forward forward-slow forward-cuda fuzz lint corpus corpus-fetch corpus-list corpus-outside corpus-determinism corpus-kill bench docs clean

help:
	@sed -n 's/^#   //p' Makefile

convert: .venv/.converts
	$(BIN)/unravel convert

test: .venv/.tests corpus-fetch
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/unravel check
	$(BIN)/unravel lint
	$(BIN)/pytest -n $(JOBS) --dist loadgroup

forward: .venv/.tests
	$(BIN)/unravel forward

forward-slow: .venv/.tests
	$(BIN)/unravel forward --slow

# No environment is made: torch has to be the one that fits the machine's driver.
forward-cuda:
	$(PYTHON) -m checks.forward --require-cuda --dtype bfloat16,float16

# EXAMPLES=100 for a shorter run, SEED=1 for the same one again.
fuzz: .venv/.tests
	$(BIN)/python -m tests.fuzz --examples $(EXAMPLES) $(if $(SEED),--seed $(SEED))

# PARTS='cold warm' for some of it, REPEAT=1 for a first look.
bench: .venv/.tests corpus-fetch
	$(BIN)/python -m benchmarks.corpus $(PARTS) $(if $(REPEAT),--repeat $(REPEAT))

docs: .venv/.tests
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

lint: .venv/.tests
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/unravel lint --fix

# The corpus needs what a conversion needs: neither torch nor transformers is installed for it.
corpus: corpus-fetch
	$(CORPUS)

# MODELS="helium olmo2" for some of them; all of them take ten minutes.
corpus-outside: .venv/.tests
	$(CORPUS).outside $(MODELS)

corpus-list: corpus-fetch
	$(CORPUS) --list

corpus-determinism: corpus-fetch
	$(BIN)/python -m tests.corpus.determinism

corpus-kill: corpus-fetch
	$(BIN)/python -m tests.corpus.kill

corpus-fetch: .venv/.converts
	@$(CORPUS) --fetch

# One environment, two stages: converting must not wait for torch.
.venv/.converts: pyproject.toml requirements/constraints.txt
	$(call require-python,$(PYTHON),10)
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

# torch goes first: whatever asks for it later then finds this very build.
.venv/.tests: .venv/.converts
	$(call require-python,$(BIN)/python,11)
	$(PIP) torch
	$(PIP) --editable '.[dev,docs,forward]'
	@touch $@

# $(1): an interpreter, $(2): the oldest minor version of Python 3 that will do
define require-python
@$(1) -c 'import sys; sys.exit(sys.version_info < (3, $(2)))' 2>/dev/null || { \
	echo '`make $(MAKECMDGOALS)` needs Python 3.$(2) or later, which `$(1)` is not.' \
		'Name another, after `make clean`: make $(MAKECMDGOALS) PYTHON=/path/to/python3' >&2; exit 1; }
endef

clean:
	rm -rf .venv .corpus site .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
