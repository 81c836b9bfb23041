# Two commands do it all: `make demo` and `make test`. The others are their parts.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
# Images of containers often turn bytecode off. Without it, each of the hundreds of commands here compiles Ansible anew.
unexport PYTHONDONTWRITEBYTECODE
# Everything runs against this checkout, under the name by which users know it.
LINK := .ansible/collections/ansible_collections/o11y/opentelemetry
# Where uv is missing, it is put here.
UV_HOME := .cache/uv
# What mypy and ansible-test keep for the next checkout.
CHECKS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/o11y-checks
UV := $(shell command -v uv || echo $(UV_HOME)/bin/uv)

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.ready $(LINK) ## Make the Python environment.
	@python -m tools.bytecode

$(VENV)/.ready: pyproject.toml uv.lock requirements.txt
	@command -v $(UV) >/dev/null || { python3 -m venv $(UV_HOME) && $(UV_HOME)/bin/pip install --quiet uv; }
	$(UV) sync --frozen --extra collection --quiet --python "$$(. tools/venv.sh && python_program 3.13 3.12 3.11)"
	. tools/venv.sh && awx_collection $(VENV)
	touch $@

$(LINK):
	@mkdir -p $(dir $@)
	ln -sfn ../../../.. $@

demo: setup ## Deploy an agent and a gateway, send telemetry, and show how it arrives.
	@tools/demo

test: setup ## Run every test.
	@# Each part on a cluster has a job to itself. What needs none goes one by one, in two jobs: each begins when a cluster
	@# has been left, because the three parts keep two cores busy. The output is in .cache/log too.
	@python -m tools.jobs stack eks cluster static=lint,unit,plays,matrix checks=sanity,artifact,gate,docs

lint: setup ## Check style, types, links and the changelog.
	@ruff format --check --quiet . && ruff check --quiet .
	mypy --cache-dir "$(CHECKS)/mypy" plugins tests/testbed tools otelcoltool/src/otelcoltool/*.py otelcoltool/src/otelcoltool/commands
	yamllint --strict .
	python -m tools.lint --offline --strict -q
	python -m tools.links
	python -m tools.follow
	antsibull-changelog lint && antsibull-changelog lint-changelog-yaml changelogs/changelog.yaml

quick: setup ## Check what differs from the branch main, and run the tests of it, in a minute.
	@ruff format --check --quiet . && ruff check --quiet .
	mypy --cache-dir "$(CHECKS)/mypy" plugins tests/testbed tools otelcoltool/src/otelcoltool/*.py otelcoltool/src/otelcoltool/commands
	timeout 60 pytest -n 2 --dist worksteal -x $$(python -m tools.quick) || { status=$$?
	  [ $$status != 124 ] || echo "Not all ran within a minute: run make unit."
	  exit $$status; }

unit: setup ## Run the tests that need neither a cluster nor Ansible.
	@# Two plain runs at the same time: to collect all tests twice and hand them out one by one costs a quarter of the time.
	units=$$(mktemp)
	trap 'kill $$! 2>/dev/null || true; rm -f "$$units"' EXIT
	pytest tests/unit >"$$units" 2>&1 &
	status=0
	pytest tests/contract || status=$$?
	wait $$! || status=$$?
	cat "$$units"
	exit $$status

plays: setup ## Run playbooks and modules that need no cluster, on the newest ansible-core if its Python is there.
	@programs=$$(tools/matrix newest) || programs=$(BIN)
	PATH=$$programs:$$PATH pytest -n 2 --dist worksteal tests/plays

sanity: setup ## Run ansible-test sanity on a copy of the checkout.
	@tools/sanity "$(CHECKS)/sanity"

artifact: setup ## Build the collection, install it into an empty path and use it from there.
	@tools/artifact

wheel: setup ## Build the command otelcoltool, which needs no Ansible.
	@tools/wheel .cache/wheel

gate: setup ## Check the built collection with the tools of Galaxy and Automation Hub.
	@tools/gate

docs: setup ## Build the documentation site.
	@tools/docs

matrix: setup ## Test on the oldest ansible-core and requirements; O11Y_MATRIX=all: on all versions.
	@tools/matrix

cluster: setup ## Run what needs a cluster or the real Collector.
	@tools/cluster plain

eks: setup ## Run what needs AWS on a cluster, an earlier operator, OpenShift, or Linux hosts.
	@tools/cluster eks

stack: setup ## Run what needs more on a cluster: cert-manager, the operator or backends.
	@tools/cluster stack

follow: setup ## Ask newer releases of the Collector what they take, and write the answers to the tables.
	python -m tools.follow --update

bench: setup ## Measure, as ratios in one run.
	@python -m tests.bench

release: setup ## Write the changelog of VERSION, check it, commit it and tag it.
	@tools/release prepare $(VERSION)

publish: setup ## Upload the tagged version to Galaxy, with the address of its REPOSITORY.
	@tools/release publish $(REPOSITORY)

down: setup ## Stop the demo's cluster.
	@python -m tests.testbed down

.PHONY: help setup demo test lint quick unit plays sanity artifact wheel gate docs matrix cluster eks stack follow bench release publish down
