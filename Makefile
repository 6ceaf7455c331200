# `make demo` and `make test` need nothing but Python >= 3.11 and a package index; both make their own environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test fuzz kill test-browser test-tutorials test-ray test-all test-index test-oldest wheel-smoke site lint types clean

demo: $(VENV)/installed
	$(BIN)/augrgb demo -o demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -n 2

test-all: $(VENV)/installed
	$(BIN)/python -m pytest -n 2 -m "not gpu and not index"

# Every reader with 10,000 damaged inputs; the other tests try 200 of each. An hour or two on two cores.
fuzz: $(VENV)/installed
	AUGRGB_FUZZ=10000 $(BIN)/python -m pytest -n 2 tests/fuzz

# 200 times SIGKILL at random moments of every long command. An hour or so on two cores.
kill: $(VENV)/installed
	AUGRGB_KILLS=200 $(BIN)/python -m pytest -m slow -o log_cli=true --log-cli-level=INFO tests/faults/test_random_kills.py

# Published weights, fetched from the package index.
test-index: $(VENV)/installed
	$(BIN)/python -m pytest -m index tests/e2e/test_published_weights.py tests/e2e/test_blazepose.py

# The page in a real browser: Debian's Chromium, driven by Playwright.
test-browser: $(VENV)/installed
	command -v chromium > /dev/null || { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; }
	$(BIN)/python -m pytest -m browser tests/e2e/test_page.py tests/e2e/test_page_loop.py tests/e2e/test_behind_nginx.py \
	  tests/e2e/test_report_in_browser.py

# The tutorials of docs/, followed block by block.
test-tutorials: $(VENV)/installed
	$(BIN)/python -m pytest -n 2 -m "slow or not slow" tests/e2e/test_tutorials.py

# A Ray cluster of two nodes on this machine: a killed node and a killed driver.
test-ray: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[ray]"
	$(BIN)/python -m pytest -m slow tests/e2e/test_ray.py -k "loss_of_a_node or killed_driver"

# The fast tests of what depends most on other packages, with the oldest versions that are allowed.
test-oldest: .venv-oldest/installed
	PYTHONPATH=src .venv-oldest/bin/python -m pytest -n 2 $(OLDEST)

OLDEST := tests/unit/core tests/unit/losses tests/unit/metrics tests/unit/filters tests/unit/streams tests/unit/detection \
	tests/unit/features tests/unit/recipe tests/unit/report tests/unit/cli tests/unit/pipelines

.venv-oldest/installed: pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-oldest.txt torch
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-oldest.txt \
		. pytest pytest-xdist hypothesis
	touch $@

# The wheel in a fresh environment outside the checkout: recipes, the tiny demo, detection.
wheel-smoke: $(VENV)/installed
	PYTHON=$(abspath $(BIN)/python) scripts/wheel_smoke.sh

# The documentation site in build/site: generated references, strict links and Python names.
site: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	$(BIN)/python scripts/stage_site.py build/site_pages
	$(BIN)/zensical build --clean --strict
	! grep -rlE '(src|href)="https?://[^"]*\.(js|css|woff2?)"' build/site --include=*.html

lint: $(VENV)/installed types
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/ruff format --check src tests benchmarks examples
	$(BIN)/codespell

types: $(VENV)/installed
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini tests

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) .venv-oldest demo
