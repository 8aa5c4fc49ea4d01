SUITE ?= default
JOBS ?=
SEEDS ?=
DATA ?=
RESULTS ?= results
TORCH_INDEX ?=

VENV := .venv
BENCH := $(VENV)/bin/bench
READY := $(VENV)/ready
PYTHON ?= python3
# Each worker takes whole stretches of tests, so that fixtures of a module run once. A third one works
# while tests of the others wait for processes they started.
WORKERS = -n 3 --dist worksteal
# A part of the suite textures, in seconds, so that the default suite has images and pixels beside it.
IMAGES = textures --datasets textures/stripes --detectors ae-patches,pca-residual-map,pca,max-abs-z,mean-distance,random --results $(RESULTS)
OPTIONS = $(SUITE) --results $(RESULTS) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(DATA),--data $(DATA))

.DEFAULT_GOAL := help
.PHONY: help setup bench test test-slow faults lint types docs perf board boards report ui clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "variables: SUITE=$(SUITE) JOBS=$(JOBS) SEEDS=$(SEEDS) DATA=$(DATA) RESULTS=$(RESULTS), as in make bench SUITE=smoke"

setup: $(READY) ## create the environment in .venv (other targets do so when needed)

# A bare `torch` would bring gigabytes of GPU libraries on some systems: constraints.txt pins it,
# and TORCH_INDEX may name an index of CPU builds.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("fathom needs python 3.11.4 or newer; set PYTHON=...") if sys.version_info < (3, 11, 4) else None'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -c constraints.txt torch
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

bench: $(READY) ## run the missing rows of SUITE and print its leaderboard; beside the default suite, some of images
ifeq ($(SUITE),default)
	$(BENCH) run $(IMAGES)
	@$(BENCH) board $(IMAGES) --metric aupro
	@$(BENCH) data audit default --results $(RESULTS) > /dev/null  # its verdicts stand under the board
endif
	$(BENCH) run $(OPTIONS) $(if $(JOBS),--jobs $(JOBS))

test: $(READY) ## run the tests, but for the slow ones
	$(VENV)/bin/python -m pytest $(WORKERS) -m "not slow"

test-slow: $(READY) ## run all tests and write docs/faults.md; published tables take hours, and resume in the folder BENCH_REPRODUCTION
	$(VENV)/bin/python -m pytest $(WORKERS) --fault-matrix=docs/faults.md

faults: $(READY) ## inject every fault, and write docs/faults.md
	$(VENV)/bin/python -m pytest $(WORKERS) -m fault --fault-matrix=docs/faults.md

lint: $(READY) types ## check format, style, types and the direction of imports
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports

types: $(READY) ## check types
	$(VENV)/bin/mypy

docs: $(READY) ## build the documentation site, docs/_build/html/index.html
	$(VENV)/bin/python -m sphinx -q -W --keep-going docs docs/_build/html

perf: $(READY) ## measure the speed of harness and training beside their aims; adds to perf.csv in RESULTS
	$(VENV)/bin/python -m tests.perf --results $(RESULTS)

board: $(READY) ## print the leaderboard of SUITE from stored rows
	@$(BENCH) board $(OPTIONS)

boards: ## keep in git the boards of the last whole runs, in place of those kept before
	@for kept in results/leaderboard-*; do \
		new=$(RESULTS)/boards/$${kept#results/}; \
		if [ -f $$new ]; then cp $$new $$kept && echo $$kept; fi; \
	done

report: $(READY) ## write the HTML page of SUITE, report.html in RESULTS
	@$(BENCH) report $(OPTIONS)

ui: $(READY) ## start MLflow's web interface on the tracked runs
	$(BENCH) ui --results $(RESULTS)

clean: ## remove the environment and caches; results stay
	rm -rf $(VENV) build docs/_build docs/project docs/reference *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find bench datasets detectors tests -name __pycache__ -type d -prune -exec rm -rf {} +
