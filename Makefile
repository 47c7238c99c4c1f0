# Everything this project can do on a machine. Each target does its own set-up.
# On Windows: in WSL, or run the commands below by hand with .venv\Scripts instead of .venv/bin.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AZURITE := node_modules/.ready

.DEFAULT_GOAL := help
.PHONY: help run test check check-infra bench soak endurance fuzz format start clean

help: ## show this help
	@echo "make <target>, where target is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-13s %s\n", $$1, $$2}'

run: $(READY) $(AZURITE) ## a dozen jobs from queued to ended, on this machine, in half a minute
	@$(BIN)/python -m local.demo

test: $(READY) $(AZURITE) ## the whole test suite, with branch coverage
	@$(BIN)/pytest -q -n 4 --dist loadgroup --cov --cov-report=term:skip-covered

check: $(READY) $(AZURITE) ## format, lint, strict types, Microsoft's rules for function apps, what infra/ registers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/azure-functions-doctor doctor --profile deploy --hosting-plan flex-consumption --target-python 3.13 > $(VENV)/doctor \
		|| { cat $(VENV)/doctor; exit 1; }
	@$(BIN)/python -m tests.infra.check

check-infra: $(READY) $(AZURITE) ## what infra/ registers: Azure's classes, Kusto's parser, the order, Checkov's rules
	@$(BIN)/python -m tests.infra.check
	@test -x $(VENV)/checkov/bin/checkov || { echo "Installing Checkov ..."; $(PYTHON) -m venv $(VENV)/checkov && \
		$(VENV)/checkov/bin/pip install --quiet --disable-pip-version-check checkov==3.3.30; }
	@$(BIN)/python -m tests.infra.scan $(VENV)/checkov/bin/checkov

bench: $(READY) $(AZURITE) ## measure, beside peers and the bound; writes docs/performance.json and .svg
	@$(BIN)/python -m bench

soak: $(READY) $(AZURITE) ## random faults and kills for SECONDS (60), by SEED (a random one); nothing may be lost
	@$(BIN)/python -m tests.soak --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

endurance: $(READY) $(AZURITE) ## 200 runs in one process while everything fails; nothing may be left of them
	@$(BIN)/python -m tests.endurance $(if $(SEED),--seed $(SEED))

fuzz: $(READY) ## fuzz what reads foreign bytes for SECONDS (60): Hypothesis at length, then atheris
	@HYPOTHESIS_PROFILE=large $(BIN)/pytest -q -n auto tests --ignore tests/integration --ignore tests/infra -k "any or every or no_json"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris==3.1.0
	@mkdir -p .local/corpus
	@$(BIN)/python -m tests.fuzz -max_total_time=$(or $(SECONDS),60) -rss_limit_mb=1024 -timeout=10 -max_len=8192 -print_final_stats=1 \
		-verbosity=0 -artifact_prefix=.local/ .local/corpus tests/samples tests/samples/fuzz

format: $(READY) ## put the code into its format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

start: $(READY) $(AZURITE) local.settings.json ## the app in Azure Functions Core Tools, with Azurite
	@command -v func >/dev/null || { echo "Azure Functions Core Tools are not installed: \
	npm install -g azure-functions-core-tools@4 (or see https://aka.ms/func-install), then 'make start' again. \
	'make run' works without them."; exit 1; }
	@. $(BIN)/activate && $(BIN)/python -m local.azurite func start

clean: ## remove what the other targets installed and made
	rm -rf $(VENV) node_modules .local .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

local.settings.json:
	@cp local.settings.sample.json $@
	@echo "Made $@ from the sample: put your master key there. git ignores it."

$(READY): requirements.txt requirements-dev.txt infra/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { echo "Python 3.13 is needed, \
	for that is what Azure runs: 'pyenv install 3.13', 'uv python install 3.13' or https://www.python.org/downloads/. \
	Then, where it is not python3: make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing Python packages into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(AZURITE): package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or later is needed, for Azurite and Kusto's parser: https://nodejs.org/"; exit 1; }
	@echo "Installing Azurite and Kusto's parser into node_modules ..."
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
