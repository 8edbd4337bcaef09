# What a developer runs. `make` alone lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

# Python 3.13 under either of its names (a pyenv shim answers only where .python-version names a version it has).
PYTHON = $(shell for name in python3.13 python3 python; do \
  "$$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { command -v "$$name"; break; }; done)
PIP := pip==26.3

BIN := .venv/bin
SAM := .venv-sam/bin
LOCAL := $(BIN)/python -m local
# The linters need a region. Nothing in this file may read an AWS account or look for credentials.
LINT_ENV := env -u AWS_PROFILE AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true SAM_CLI_TELEMETRY=0

.PHONY: help install build up down demo event test lint check bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

install: .venv/.installed .venv-sam/.installed .venv/bin/pressroom ## create the two virtual environments and .venv/bin/pressroom; does nothing while the pins are the same

.venv/.installed: pyproject.toml layers/pressroom/requirements.txt
	$(call environment,.venv,--group dev -r layers/pressroom/requirements.txt)

.venv-sam/.installed: pyproject.toml
	$(call environment,.venv-sam,--group sam)

# The command line. It is not installed as a package: the functions of the local cloud run in this same environment, and
# could import from it what their layer does not have.
.venv/bin/pressroom: .venv/.installed Makefile
	@printf '#!/bin/sh\nPYTHONPATH="%s$${PRESSROOM_AHEAD:+:%s}" exec "%s" -P -m cli "$$@"\n' \
	  '$(CURDIR)' '$(CURDIR)/local/ahead' '$(CURDIR)/$(BIN)/python' > $@
	@chmod +x $@

define environment
@test -n "$(PYTHON)" || { echo "Pressroom needs Python 3.13 on the PATH as python3.13, python3 or python." >&2; exit 1; }
@echo "Installing $(1) ..."
@test -x $(1)/bin/python || "$(PYTHON)" -m venv $(1)
@$(1)/bin/python -m pip install --quiet --disable-pip-version-check '$(PIP)'
@$(1)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check $(2)
@touch $@
endef

build: install ## run `sam build` and compile bytecode for the zips; ready for `sam deploy` [ARCHITECTURE=x86_64]
	@$(LOCAL) build $(if $(ARCHITECTURE),--architecture "$(ARCHITECTURE)")

up: install ## start the local cloud, deploy to it, write .local/stack.json [PORT=4566] [BIND=0.0.0.0 for `sam local`] [ALLOW_HOST=name of a tunnel]
	@$(LOCAL) up $(if $(PORT),--port "$(PORT)") $(if $(BIND),--bind "$(BIND)") $(if $(ALLOW_HOST),--allow-host "$(ALLOW_HOST)")

down: install ## stop the local cloud and everything that belongs to it
	@$(LOCAL) down

demo: install ## run the whole job once, step by step, and stop: one order at four printers, batched, held, released, shipped, tracked
	@$(BIN)/python -m cli.demo

event: install ## print the event of a function: make event TOPIC=camaloon.shipment_sent [BODY=file] [FOR=topic: of the topic, not the receiver]
	@$(LOCAL) event "$(TOPIC)" $(if $(BODY),--body "$(BODY)") $(if $(FOR),--for "$(FOR)")

test: install ## run all tests: unit, integration, template, and end to end on a local cloud of their own [AHEAD=400: days from now]
	@$(if $(AHEAD),PRESSROOM_AHEAD="$(AHEAD)" PYTHONPATH="$(CURDIR)/local/ahead") $(BIN)/python -m pytest -n 3 --no-loadscope-reorder

lint: install ## check format, style, types and the template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(LINT_ENV) $(SAM)/cfn-lint --append-rules cfn_lint_serverless.rules --template template.yaml dashboard.yaml
	$(LINT_ENV) $(SAM)/sam validate --lint --template template.yaml

check: ## run the whole gate: lint, build, test
	@$(MAKE) --jobs 2 install
	@$(MAKE) --jobs 2 lint build
	@$(MAKE) test

bench: install ## measure start-up, CPU, AWS calls and cost; print a table and write .local/bench.json
	@$(BIN)/python -m benches

clean: ## stop the local cloud; delete environments, builds and caches
	@test ! -x $(BIN)/python || $(LOCAL) down
	@rm -rf .venv .venv-sam .aws-sam .local .mypy_cache .pytest_cache .ruff_cache .hypothesis
