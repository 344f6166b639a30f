#!/usr/bin/env bash
# Every linter, none with an exception. ansible-test's leavings would be scanned too, so they go first.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf tests/output
ruff check --quiet .
ruff format --check --quiet .
yamllint --strict .
ansible-lint --offline -q
antsibull-changelog lint
