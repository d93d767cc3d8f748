# make demo          watch four agents decide on real prices, and look at what was recorded
# make test          format, lint, types and all tests (those of the page need Chromium and its driver)
# make bench         the speed figures of this machine
# make screenshots   pictures of every page of `agent-trace ui`, at three widths, light and dark
# make clean         remove what the above made

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST_ARGS ?= -n 2 --dist loadfile
# What an editable installation has to be made anew for.
INSTALLED_FROM := setup.cfg setup.py $(wildcard $(addprefix agent_trace/recording/compiled/,calling.c *.pyx *.pxi))

# The first Python from 3.11 to 3.14 that can make a virtual environment. Any other: make PYTHON=/path/to/python
PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3.14 python3 python; do \
	$$each -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& echo $$each && break; done)

.PHONY: demo test lint types tests browser bench screenshots clean

demo: $(VENV)/installed-demo
	@$(BIN)/agent-trace demo

test: browser lint types tests

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

tests: $(VENV)/installed-dev browser
	$(BIN)/python -m pytest $(PYTEST_ARGS) --ignore=tests/libraries
	AGENT_TRACE_COMPILED=0 $(BIN)/python -m pytest $(PYTEST_ARGS) tests/recording tests/test_conformance.py tests/test_context.py
	$(BIN)/python -m pytest $(PYTEST_ARGS) tests/libraries

# Says at once what is missing, and how to install it.
browser: $(VENV)/installed-dev
	@$(BIN)/python -m tests.support.browser

bench: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/installed-dev browser
	$(BIN)/python -m tests.support.screenshots screenshots

clean:
	rm -rf $(VENV) screenshots build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f agent_trace/recording/compiled/*.so

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.14 that can make a virtual environment was found." \
	"On Debian and Ubuntu: sudo apt-get install python3-venv. Elsewhere: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

# A stamp a set of dependencies, so that the second run starts at once.
$(VENV)/installed-demo: $(INSTALLED_FROM) | $(BIN)/python
	@echo "installing agent_trace and what the demo needs (once)"
	@$(PIP) install --editable '.[openai,ui]'
	@touch $@

$(VENV)/installed-dev: $(INSTALLED_FROM) | $(BIN)/python
	@echo "installing agent_trace and what its tests need (once)"
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/installed-demo
