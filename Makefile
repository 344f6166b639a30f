# golive.delivery: `make demo` shows it, `make test` proves it. Both install what they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
export PYTHON
# Ansible starts Python thousands of times: let it keep its compiled modules.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.PHONY: help setup engine demo demo-stop demo-destroy lint sanity unit integration molecule stack test benchmark build requirements clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: ## .venv with the pinned tools and collections
	@scripts/bootstrap.sh

engine: ## Docker engine and the fleet's image, where there are none
	@scripts/engine.sh

demo: ## the whole stack in containers, and its report
	@scripts/demo.sh up

demo-stop: setup ## stop the demo's containers, keep them
	@scripts/demo.sh stop

demo-destroy: setup ## remove the demo's containers, network and generated secrets
	@scripts/demo.sh destroy

lint: setup ## ansible-lint, yamllint, ruff
	@scripts/lint.sh

sanity: setup ## ansible-test sanity
	@scripts/ansible_test.sh sanity

unit: setup ## unit tests
	@scripts/ansible_test.sh units

integration: setup ## playbooks against wrong inventories: no host is contacted
	@pytest -q tests/integration

molecule: setup engine ## one role: make molecule ROLE=haproxy; all roles without ROLE
	@scripts/molecule.sh $(ROLE)

stack: setup engine ## site.yml end to end, and the failures that it must survive
	@scripts/molecule.sh stack

test: ## everything
	@scripts/test.sh

benchmark: setup engine ## the cost of a run that changes nothing (on the demo); what tuning gains (pgbench)
	@tests/benchmark/noop.sh
	@tests/benchmark/pgbench.sh

build: setup ## the collection's artefact
	@ansible-galaxy collection build --force

requirements: ## resolve requirements/dev.in again
	@uv pip compile --universal --python-version 3.11 --no-header --quiet requirements/dev.in -o requirements/dev.txt

clean: ## remove what the tools left (not the demo)
	@rm -rf .venv .ansible .cache .ruff_cache .pytest_cache tests/output *.tar.gz
