# Everything is done in .venv, which scripts/setup_env.py makes and keeps right; a second call finds it ready.
# Needs Python >= 3.10 (with venv), a C++ compiler, node and git. Another Python: make demo PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint test-js test-py test-browser test-first test-rest soak audit clean

# Run the example notebooks through papermill; the reports go to build/demo/.
demo:
	$(PYTHON) scripts/setup_env.py demo
	$(BIN)/python scripts/demo.py

# Everything that tests the project, browser tests included; random campaigns run as samples.
test:
	$(MAKE) --no-print-directory -j2 test-browser test-first test-rest lint test-js

# Style, types, and the order in which the rooms import each other.
lint: .env-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd labextension && npm run --silent lint

# The labextension's own tests, without a browser.
test-js: .env-test
	cd labextension && npm run --silent test

# The Python tests in three parts, of which `make test` runs two at a time: those in JupyterLab wait for pages, others
# for a model or a kernel.
test-py: test-browser test-first test-rest

FIRST := $(filter-out tests/browser/,$(wildcard tests/[a-k]*/))

# JupyterLab in Chromium.
test-browser: .env-test
	$(BIN)/python -m pytest -m "not soak" tests/browser

# The rooms of the package, those with the first letters of the alphabet.
test-first: .env-test
	$(BIN)/python -m pytest -m "not soak" $(FIRST)

# The other rooms, the notebooks, the wheel.
test-rest: .env-test
	$(BIN)/python -m pytest -m "not soak" $(addprefix --ignore=,$(FIRST) tests/browser/)

# The random campaigns, whole: about an hour on two cores.
soak: .env-test
	$(BIN)/python -m pytest -m soak --timeout=0

# Known vulnerabilities of the packages: asks the network, ends with 2 where it cannot be reached. See SECURITY.md.
audit: .env-test
	$(BIN)/python scripts/audit.py

# Checked once per call of make, whichever targets ask for it.
.PHONY: .env-test
.env-test:
	$(PYTHON) scripts/setup_env.py test

# Back to what git knows: the environment, what was built, and the caches of the tools.
clean:
	rm -rf .venv .venv-audit build dist jupyter_localllm/labextension
	rm -rf labextension/node_modules labextension/lib labextension/build-test
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
