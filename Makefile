# Set-up and the main jobs. Needs Python 3.11 or later, make and git; everything else goes to .venv.
PYTHON ?= python3
ID ?= next

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif

.PHONY: checkpoint test test-system slow setup setup-dev lint bench bench-compare regenerate clean

# Test what you wrote: `make checkpoint` (the next one), `make checkpoint ID=00`
checkpoint: setup
	$(BIN)/python -m pytest --checkpoint $(ID)

# A few minutes: the harness, the framework and the rules of the repository
test: setup-dev lint
	$(BIN)/python -m pytest tests/unit tests/validation tests/integration -m "not slow" -n 2 --dist worksteal -q

# What CI runs besides: whole courses, wrong and hostile submissions, mutated files
test-system: setup-dev
	$(BIN)/python -m pytest tests/system tests/fuzz -m "not slow" -n 2 --dist worksteal -q

# What takes longer: hostile submissions at every level, wrong solutions in isolation
slow: setup-dev
	$(BIN)/python -m pytest tests -m slow -n 2 --dist worksteal -q

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vulture

# Speed, as ratios against a peer in the same run
bench: setup-dev
	$(BIN)/python -m pytest benchmarks -q --benchmark-autosave

# What changed since the last `make bench` on this machine
bench-compare: setup-dev
	$(BIN)/python -m pytest benchmarks -q --benchmark-compare --benchmark-autosave

# Renew everything generated that is committed: data, package, weights, manifest
regenerate: setup-dev
	$(BIN)/python data/make_digits.py
	$(BIN)/tito export --all
	$(BIN)/python data/train_digits_mlp.py
	$(BIN)/tito manifest

setup: .venv/.installed

setup-dev: .venv/.installed-dev

.venv/.installed: pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or later is needed, this is %d.%d: make PYTHON=python3.11' % sys.version_info[:2])"
	@test -d .venv || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/.installed-dev: .venv/.installed
	@echo "Installing development tools into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
