# Everything a developer runs. `make` alone lists it.
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
# No command of this file reads an account: the linters need a region, and nothing may look for credentials.
LINT_ENV := env -u AWS_PROFILE AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true SAM_CLI_TELEMETRY=0
# WS1000 wants X-Ray in every function: it costs more than the functions. WS1004 looks for one log group per function
# and does not know LoggingConfig: ours is one for all, with its retention.
LINT_IGNORED := WS1000 WS1004

.PHONY: help install build up down demo event test lint check bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

install: .venv/.installed .venv-sam/.installed .venv/bin/pressroom ## the two virtual environments and .venv/bin/pressroom, again only when the pins change

.venv/.installed: pyproject.toml layers/pressroom/requirements.txt
	$(call environment,.venv,--group dev -r layers/pressroom/requirements.txt)

.venv-sam/.installed: pyproject.toml
	$(call environment,.venv-sam,--group sam)

# The command line. It is no installed package: the functions of the local cloud run on this same environment, and
# would find in it what their layer lacks.
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

build: install ## sam build, then bytecode that is valid inside the zips; ready for `sam deploy` [ARCHITECTURE=x86_64]
	@$(LOCAL) build $(if $(ARCHITECTURE),--architecture "$(ARCHITECTURE)")

up: install ## start the local cloud, deploy to it, write .local/stack.json [PORT=4566] [BIND=0.0.0.0 for `sam local`] [ALLOW_HOST=name of a tunnel]
	@$(LOCAL) up $(if $(PORT),--port "$(PORT)") $(if $(BIND),--bind "$(BIND)") $(if $(ALLOW_HOST),--allow-host "$(ALLOW_HOST)")

down: install ## end the local cloud and everything that belongs to it
	@$(LOCAL) down

demo: install ## one paid order at four printers, batched, held, released and shipped, step by step; leaves nothing running
	@$(LOCAL) demo

event: install ## print a signed API Gateway event: make event TOPIC=camaloon.shipment_sent [BODY=file]
	@$(LOCAL) event "$(TOPIC)" $(if $(BODY),--body "$(BODY)")

test: install ## all tests: unit, integration, template, end to end on a local cloud of their own [AHEAD=400 days from now]
	@$(if $(AHEAD),PRESSROOM_AHEAD="$(AHEAD)" PYTHONPATH="$(CURDIR)/local/ahead") $(BIN)/python -m pytest -n 3 --no-loadscope-reorder

lint: install ## format, style, types and template, without running anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(LINT_ENV) $(SAM)/cfn-lint --append-rules cfn_lint_serverless.rules --ignore-checks $(LINT_IGNORED) --template template.yaml dashboard.yaml
	$(LINT_ENV) $(SAM)/sam validate --lint --template template.yaml

check: ## the whole gate: lint, build, test
	@$(MAKE) --jobs 2 install
	@$(MAKE) --jobs 2 lint build
	@$(MAKE) test

bench: install ## measure; prints a table and writes .local/bench.json
	@$(BIN)/python -m benches

clean: ## remove environments, builds and caches (ends the local cloud first)
	@test ! -x $(BIN)/python || $(LOCAL) down
	@rm -rf .venv .venv-sam .aws-sam .local .mypy_cache .pytest_cache .ruff_cache .hypothesis
