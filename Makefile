# Every task of this project, on a developer's machine and in CI alike. `make` prints them.

SKILL   ?=
OTP     ?= 24-27
RUNTIME ?= auto
STRICT  ?=
PYTHON  ?= python3

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
FLAGS  = --otp $(OTP) --runtime $(RUNTIME) $(if $(filter 1 yes true,$(STRICT)),--strict)

.DEFAULT_GOAL := help
.PHONY: help setup verify test check format bench nightly nightly-collect nightly-report otp clean

help: ## print the targets
	@echo "usage: make verify SKILL=beam-memory-management [OTP=24-27] [RUNTIME=auto|docker|host|debian] [STRICT=1]"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(READY) ## set up .venv (done by every other target when it is needed)

$(READY): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "beamproof needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 4; }
	@echo "setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "no venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 4; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint .ci/constraints.txt --editable '.[dev]'
	@touch $@

verify: $(READY) ## prove the claims of SKILL (all skills without it) on the releases of OTP
	@$(BIN)/beamproof verify $(SKILL) $(FLAGS)

test: $(READY) ## run all tests: unit tests, and live ones on OTP 25 and 27
	@$(BIN)/pytest

check: $(READY) ## format, lint, types, unit tests, claim lint, probes compiled with warnings as errors
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pytest tests/unit
	@$(BIN)/beamproof lint
	@$(BIN)/beamproof compile --otp 25,27 --runtime $(RUNTIME)

format: $(READY) ## rewrite the Python sources in the one format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## measure the harness against the other ways to run as many checks
	@$(BIN)/python -m tests.bench

NIGHT ?= .beamproof/nightly

nightly: ## prove everything on every release at hand, merge, report, compare with last night
	@$(MAKE) --no-print-directory nightly-collect OTP=$(OTP) RUNTIME=$(RUNTIME)
	@$(MAKE) --no-print-directory nightly-report

nightly-collect: $(READY) # one machine's share: a run below $(NIGHT)/runs; exit 1 and 2 are results
	@$(BIN)/beamproof verify $(FLAGS) --runs $(NIGHT)/runs || test $$? -le 2

nightly-report: $(READY) # all runs below $(NIGHT)/runs as one, with everything that is made of it
	@$(BIN)/beamproof merge $(NIGHT)/runs/*.jsonl --output $(NIGHT)/run.jsonl
	@$(BIN)/beamproof report $(NIGHT)/run.jsonl --format html --output $(NIGHT)/site
	@$(BIN)/beamproof report $(NIGHT)/run.jsonl --format junit --output $(NIGHT)/junit.xml
	@$(BIN)/beamproof report $(NIGHT)/run.jsonl --format markdown --output $(NIGHT)/summary.md
	@$(BIN)/beamproof report $(NIGHT)/run.jsonl --format badge --output $(NIGHT)/site/badges
	@rm -f $(NIGHT)/drift.md
	@test ! -f $(NIGHT)/last.jsonl || $(BIN)/beamproof compare $(NIGHT)/last.jsonl $(NIGHT)/run.jsonl \
	  --format markdown --output $(NIGHT)/drift.md || test $$? -eq 1
	@cp $(NIGHT)/run.jsonl $(NIGHT)/last.jsonl
	@rm -rf $(NIGHT)/runs

otp: $(READY) ## fetch OTP 25 and 27 ahead, as trees and (with an engine) as images
	@$(BIN)/beamproof otp install 25 27

clean: ## remove what make and beamproof made in this folder
	rm -rf $(VENV) .beamproof report dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
