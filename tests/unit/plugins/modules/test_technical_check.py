# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module: what it returns, what it refuses, and that its documentation knows every type and parameter."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import TYPES
from ansible_collections.golive.delivery.plugins.modules import technical_check

CHECK = {
    "id": "demo.value",
    "title": {"en": "A value", "zh": "值"},
    "area": "data",
    "type": "value",
    "severity": "P1",
    "parameters": {"observed": 1, "expected": 1},
}


@pytest.fixture
def call(capsys):
    """Run the module with arguments and return what it prints."""

    def run(**arguments) -> dict:
        with patch_module_args(arguments), pytest.raises(SystemExit):
            technical_check.main()
        return json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize("check_mode", [True, False])
def test_results_are_returned_and_kept_as_a_fact(call, check_mode):
    failing = {**CHECK, "id": "demo.other", "parameters": {"observed": 1, "expected": 2}}
    answer = call(role="demo", checks=[CHECK, failing], _ansible_check_mode=check_mode)
    assert answer["changed"] is False
    assert [(result["id"], result["status"]) for result in answer["results"]] == [
        ("demo.value", "pass"),
        ("demo.other", "fail"),
    ]
    assert answer["summary"] == {"pass": 1, "warn": 0, "fail": 1, "waived": 0, "skipped": 0, "error": 0}
    assert answer["ansible_facts"] == {"golive_checks_demo": answer["results"]}


def test_overrides_are_applied(call):
    answer = call(role="demo", checks=[CHECK], overrides={"demo.value": {"parameters": {"expected": 2}}})
    assert answer["results"][0]["status"] == "fail"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"role": "demo", "checks": [{**CHECK, "severity": "P7"}]}, "check demo.value: severity: expected P0 or P1"),
        ({"role": "golive.demo", "checks": []}, "role: expected lower case letters"),
        ({"role": "demo", "checks": [], "workers": 0}, "workers: expected a number of at least 1, got 0"),
        ({"role": "demo", "checks": [], "overrides": {"demo.x": {}}}, "overrides: demo.x: the role demo has no check"),
    ],
)
def test_wrong_arguments_are_refused(call, arguments, message):
    answer = call(**arguments)
    assert answer["failed"] is True
    assert message in answer["msg"]


def documented() -> dict[str, str]:
    """Return the documentation of each check type by its name."""
    options = yaml.safe_load(technical_check.DOCUMENTATION)["options"]
    found = (re.match(r"C\((\w+)\) - (.*)", line) for line in options["checks"]["description"])
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_is_documented_with_its_parameters_and_defaults(name):
    text = documented()[name]
    for parameter in TYPES[name].parameters:
        assert f"C({parameter.name})" in text
    wanted = {parameter.name for parameter in TYPES[name].parameters} | {"systemd-analyze security"}
    told = set(re.findall(r"C\(([a-z_]+)\)", text))
    assert told <= wanted, "a parameter is documented that does not exist"


def test_no_type_is_documented_that_does_not_exist():
    fields = {"id", "title", "area", "severity", "timeout", "waiver", "enabled", "type"}
    assert set(documented()) - set(TYPES) - fields == set()


def test_examples_are_valid():
    for task in yaml.safe_load(technical_check.EXAMPLES):
        arguments = task["golive.delivery.technical_check"]
        if isinstance(arguments["checks"], list):
            technical_check.definition.load(arguments["checks"], {}, arguments["role"])
