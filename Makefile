# The first command on a fresh machine may be any of these: Python and make are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
BUILD := build
WHEEL_LIMIT_MB := 15

.DEFAULT_GOAL := help
.PHONY: help demo test test-cluster lint types imports snapshot wheel-check browser screenshots bench fuzz fuzz-coverage durability validation runner-study suite-study clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: $(VENV)/.core  ## install, and show the results of a published round
	@$(BIN)/mlperf-stats results --round 5.0 --benchmark bert
	@printf '\nResults of MLPerf Training v5.0 for bert, from the snapshot that is shipped. Try next:\n'
	@printf '  $(BIN)/mlperf-stats %s\n' 'show 5.0/tinycorp/tinybox_red/bert' \
	  'results --submitter nvidia --format csv -o nvidia.csv' \
	  'ingest PATH-OF-A-RESULTS-REPOSITORY' '--help'

test: $(VENV)/.dev browser  ## install, and run all tests
	$(BIN)/python -m pytest -n 2

test-cluster: $(VENV)/.dev  ## of all tests only those with training processes, a two-node Slurm, and kills
	$(BIN)/python -m pytest -m cluster

lint: $(VENV)/.dev  ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## static types
	$(BIN)/mypy
	@mkdir -p $(BUILD)/types && ln -sfn ../../runners $(BUILD)/types/mlperf_runners
	@ln -sfn ../../dashboards $(BUILD)/types/mlperf_dashboards
	MYPYPATH=$(BUILD)/types $(BIN)/mypy -p mlperf_runners -p mlperf_dashboards

imports: $(VENV)/.dev  ## the import contract between the rooms
	$(BIN)/lint-imports

snapshot: $(VENV)/.dev  ## rebuild the shipped snapshot from PATHS="repository…" [MANIFEST=absent.csv]
	@test -n "$(PATHS)" || { echo 'usage: make snapshot PATHS="folder-or-archive …" [MANIFEST=FILE]' >&2; exit 2; }
	$(BIN)/python -m mlperf_stats.published.build $(PATHS) $(if $(MANIFEST),--manifest $(MANIFEST))

wheel-check: $(VENV)/.dev  ## build the wheel and try it in an environment of its own
	@rm -rf $(BUILD) && mkdir -p $(BUILD)/check
	@$(BIN)/python -m build --wheel --outdir $(BUILD)/check . > $(BUILD)/build.log 2>&1 || \
	  { cat $(BUILD)/build.log; exit 1; }
	@size=$$(cat $(BUILD)/check/*.whl | wc -c); echo "wheel: $$size bytes"; \
	  test $$size -le $$(( $(WHEEL_LIMIT_MB) * 1000000 )) || \
	  { echo "the wheel is over $(WHEEL_LIMIT_MB) MB" >&2; exit 1; }
	@$(PYTHON) -m venv $(BUILD)/check/venv
	@$(BUILD)/check/venv/bin/python -m pip install --quiet --constraint constraints.txt $(BUILD)/check/*.whl
	@cd $(BUILD)/check && XDG_DATA_HOME=data venv/bin/mlperf-stats results --round 5.0 -o results.csv
	@lines=$$(wc -l < $(BUILD)/check/results.csv); echo "installed wheel: $$lines lines for round 5.0"; \
	  head -n 1 $(BUILD)/check/results.csv | grep -q '^result_id,round,division,' && test $$lines -gt 100
	@cd $(BUILD)/check && venv/bin/mlperf-stats dashboard 2>&1 | grep -q 'mlperf-stats\[dashboard\]' && \
	  echo 'installed wheel: dashboard names the extra that it needs'

# Debian's packages alone: nothing is downloaded from a browser's own site.
browser:  ## find the browser that tests drive, or install Debian's Chromium
	@command -v chromium > /dev/null || test -n "$$MLPERF_STATS_CHROMIUM" || { \
	  echo 'Installing Chromium for the browser tests …'; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -y -qq --no-install-recommends chromium fonts-liberation > /dev/null; } || \
	  echo 'no Chromium, and it cannot be installed here: browser tests will be skipped, which CI refuses' >&2

screenshots: $(VENV)/.dev browser  ## the pictures in docs/dashboard, from the pages as they are
	$(BIN)/python tests/browser/screenshots.py docs/dashboard

bench: $(VENV)/.dev  ## timings that the documentation quotes
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

fuzz: $(VENV)/.dev  ## damage a million logs and see what the reader makes of them (minutes)
	$(BIN)/python tests/fuzz/fuzz_reader.py

fuzz-coverage: $(VENV)/.dev  ## an hour of coverage-guided fuzzing of the reader (installs atheris)
	@$(PIP) 'atheris>=3,<4'
	$(BIN)/python tests/fuzz/fuzz_coverage.py $(BUILD)/fuzz -max_total_time=3600 -max_len=8192

durability: $(VENV)/.dev  ## kill a hundred ingests; a minute of two writers and three readers
	$(BIN)/python tests/durability/attack.py

validation: $(VENV)/.dev  ## the statistical validation tables that the documentation quotes
	@for script in tests/statistical/table_*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

runner-study: $(VENV)/.dev  ## ten seeds of every mini workload (an hour)
	$(BIN)/python tests/statistical/runner_study.py $(BUILD)/runner-study

suite-study: $(VENV)/.dev  ## the example in docs/suite.md: all mini workloads in two settings (an hour)
	$(BIN)/python tests/statistical/suite_study.py $(BUILD)/suite-study

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) build dist ./*.egg-info

# An environment that is already there is used as it is, unless it does not start.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'mlperf-stats needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …' >&2; exit 2; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.core: $(VENV)/.made pyproject.toml constraints.txt
	@echo 'Installing mlperf-stats into $(VENV) …'
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo 'Installing what the tests need into $(VENV) …'
	@$(PIP) --editable '.[dev]'
	@touch $@
