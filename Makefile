# Every task of this project, on a developer's machine and in CI alike. `make` prints them.

SKILL   ?=
CLAIM   ?=
OTP     ?=
IMAGES  ?=
RUNTIME ?= auto
STRICT  ?=
SHARD   ?=
# How old observations may be that `make verify` takes over where nothing that could change them did;
# REUSE= calls everything again, as CI does.
REUSE   ?= $(if $(CI),,24h)
PYTHON  ?= python3

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
FLAGS  = $(if $(OTP),--otp '$(OTP)')$(if $(IMAGES), --images '$(IMAGES)') --runtime $(RUNTIME) $(if $(filter 1 yes true,$(STRICT)),--strict)

# A misspelt variable or a stray word would run everything, and say nothing of it.
VARIABLES := SKILL CLAIM OTP IMAGES RUNTIME STRICT SHARD REUSE PYTHON NIGHT EXPECT SEED AGAINST
GOALS     := help setup verify test check fuzz faults format mutate sabotage orders repro evaluations bench nightly nightly-collect nightly-report otp clean distclean
STRAY_VARIABLES := $(strip $(foreach name,$(filter-out $(VARIABLES) MAKE% -%,$(.VARIABLES)),$(if $(findstring command line,$(origin $(name))),$(name))))
STRAY_GOALS     := $(filter-out $(GOALS) $(READY),$(MAKECMDGOALS))
$(if $(STRAY_VARIABLES),$(error no target reads $(STRAY_VARIABLES); the variables are $(VARIABLES)))
$(if $(STRAY_GOALS),$(error there is no target $(firstword $(STRAY_GOALS)); a skill is named with make verify SKILL=$(firstword $(STRAY_GOALS)), `make` prints the targets))

.DEFAULT_GOAL := help
.PHONY: $(GOALS)

help: ## print the targets
	@echo "usage: make verify SKILL=beam-memory-management [CLAIM='refc-*'] [OTP=24-27|27.1.2|'27.*'] [IMAGES=FILE] [RUNTIME=auto|docker|host|debian|wheel] [STRICT=1]"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(READY) ## set up .venv (done by every other target when it is needed)

$(READY): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "beamproof needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 4; }
	@echo "setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "no venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 4; }
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check \
	  --constraint .ci/constraints.txt --editable '.[dev]'
	@touch $@

verify: $(READY) ## prove the claims of SKILL (all skills without it) on the releases of OTP
	@$(BIN)/beamproof verify $(SKILL) $(if $(CLAIM),--claim '$(CLAIM)') $(FLAGS) $(if $(SHARD),--shard $(SHARD)) $(if $(REUSE),--reuse $(REUSE))

test: $(READY) ## run all tests, two at a time: unit tests, and live ones on OTP 25 and 27
	@$(BIN)/pytest -n 2 --dist loadgroup

check: $(READY) ## format, lint, types, import rules, unit tests, claim lint, probes compiled with warnings as errors
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -n 2 tests/unit
	@$(BIN)/beamproof lint
	@$(BIN)/beamproof compile --otp 23-29 --no-strict --runtime $(RUNTIME)

fuzz: $(READY) ## damage what a VM sends, five minutes long (SEED repeats a campaign)
	@$(BIN)/python -m tests.faults.fuzz $(if $(SEED),--seed $(SEED))

faults: $(READY) ## kill, stop and interrupt VMs, containers, engines and commands, fifteen minutes long (SEED as above)
	@$(BIN)/python -m tests.faults.campaign $(if $(SEED),--seed $(SEED))

format: $(READY) ## rewrite the Python sources in the one format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

mutate: $(READY) ## show for the last run that no claim of SKILL (all skills without it) passes vacuously
	@$(BIN)/beamproof mutate $(or $(SKILL),$(basename $(notdir $(wildcard claims/*.toml))))

sabotage: $(READY) ## show on live VMs that claims of SKILL (all skills without it) fall when their probes do
	@$(BIN)/beamproof sabotage $(SKILL) $(FLAGS)

orders: $(READY) ## show that no verdict depends on the order of the claims or on a shared node (ten orders; long)
	@$(BIN)/python -m tests.orders $(FLAGS)

repro: $(READY) ## show every claim that one file can show by such files, on OTP 25 and 27, against the last run
	@$(BIN)/python -m tests.repro $(SKILL) $(if $(OTP),--otp $(OTP))

EVALUATIONS = $(shell $(BIN)/python -c 'from harness.folders import cache_dir; print(cache_dir() / "evaluations")')

evaluations: $(READY) ## load exported questions in inspect-ai, lm-eval and promptfoo (fetched into the cache, 2.4 GB)
	@test -x $(EVALUATIONS)/venv/bin/python || $(PYTHON) -m venv $(EVALUATIONS)/venv
	@$(EVALUATIONS)/venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
	  inspect-ai==0.3.285 lm-eval==0.4.13 datasets==5.2.0
	@test -x $(EVALUATIONS)/node/node_modules/.bin/promptfoo \
	  || npm install --no-audit --no-fund --loglevel=error --prefix $(EVALUATIONS)/node promptfoo@0.121.20
	@BEAMPROOF_REQUIRE=evaluations $(BIN)/pytest tests/evaluations

bench: $(READY) ## measure the harness, other ways to run as many checks, and with AGAINST=REV an older revision
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.scale $(if $(AGAINST),--against $(AGAINST))
	@$(BIN)/python -m tests.bench.lanes
	@$(BIN)/python -m tests.bench.reports --releases 60 --rounds 1 $(if $(AGAINST),--against $(AGAINST))

NIGHT  ?= .beamproof/nightly
# Releases whose share must arrive, e.g. EXPECT=24-27; else what the file NIGHT/expected says.
EXPECT ?= $(shell cat $(NIGHT)/expected 2>/dev/null)

nightly: ## verify, merge, report and compare with the night before, all below NIGHT
	@$(MAKE) --no-print-directory nightly-collect
	@$(MAKE) --no-print-directory nightly-report

nightly-collect: $(READY) # one machine's share (SHARD=2/8 of the calls), below NIGHT/runs; refuted and inconclusive are results
	@$(BIN)/beamproof verify $(SKILL) $(if $(CLAIM),--claim '$(CLAIM)') $(FLAGS) $(if $(SHARD),--shard $(SHARD)) --runs $(NIGHT)/runs || test $$? -le 2

nightly-report: $(READY) # all shares as one run, and everything that is made of it
	@ls $(NIGHT)/runs/*.jsonl >/dev/null 2>&1 || { echo "no share arrived in $(NIGHT)/runs: make nightly-collect makes one" >&2; exit 4; }
	@mkdir -p $(NIGHT)/nights
	@rm -f $(NIGHT)/drift.md $(NIGHT)/compared.md
	@$(BIN)/beamproof merge $(NIGHT)/runs/*.jsonl $(if $(EXPECT),--expect $(EXPECT)) --output $(NIGHT)/run.jsonl
	@last=$$(ls $(NIGHT)/nights/*.jsonl 2>/dev/null | tail -n 1); test -z "$$last" \
	  || $(BIN)/beamproof compare "$$last" $(NIGHT)/run.jsonl --format markdown --output $(NIGHT)/compared.md \
	  || { code=$$?; test $$code -eq 1 && mv $(NIGHT)/compared.md $(NIGHT)/drift.md; }
	@mv $(NIGHT)/run.jsonl $(NIGHT)/night.jsonl
	@cp $(NIGHT)/night.jsonl $(NIGHT)/nights/$$(date --utc +%Y%m%dT%H%M%S).jsonl
	@rm -rf $(NIGHT)/runs
	@$(BIN)/beamproof report $(NIGHT)/nights --format html --output $(NIGHT)/site
	@$(BIN)/beamproof report $(NIGHT)/night.jsonl --format badge --output $(NIGHT)/site/badges
	@$(BIN)/beamproof report $(NIGHT)/night.jsonl --format junit --output $(NIGHT)/junit.xml
	@$(BIN)/beamproof report $(NIGHT)/night.jsonl --format durations --output $(NIGHT)/durations.json
	@$(BIN)/beamproof report $(NIGHT)/nights --format markdown --output $(NIGHT)/summary.md
	@sed -n '1s/^## //p' $(NIGHT)/summary.md
	@if test -e $(NIGHT)/drift.md; then echo "something got worse: $(NIGHT)/drift.md"; \
	  elif test -e $(NIGHT)/compared.md; then echo "nothing got worse: $(NIGHT)/compared.md"; fi
	@echo "summary: $(NIGHT)/summary.md, site: $(NIGHT)/site/index.html"

otp: $(READY) ## fetch OTP 25 and 27 ahead, as trees and (with an engine) as images
	@$(BIN)/beamproof otp install 25 27 $$(docker version >/dev/null 2>&1 && echo --docker)

clean: ## remove what was built in this folder; runs stay
	rm -rf $(VENV) report dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the stored runs and nights as well: all evidence
	rm -rf .beamproof
